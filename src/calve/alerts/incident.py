"""Open and resolve an incident by PagerDuty's Events API v2.

The service folds what has the same dedup_key, so that sending again opens nothing anew. One request, no retry below
us. The routing key is never told or logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from calve.alerts.alert import cut
from calve.alerts.answer import TIMEOUT_SECONDS, Refusal, asked_pause
from calve.alerts.message import Message

if TYPE_CHECKING:
    from httpx2 import Response

URL = "CALVE_ALERTS_PAGERDUTY_URL"
LONGEST_SUMMARY, LONGEST_DEDUP_KEY = 1024, 255
_TOO_MANY = 429


class _BusyError(Exception):
    """The service asks for a pause; its client would wait, and wait, while a run waits for us."""

    def __init__(self, after: str | None) -> None:
        super().__init__("429")
        self.after = after


def send_to_pagerduty(routing_key: str, message: Message, environment: Mapping[str, str]) -> Refusal | None:
    """Trigger or resolve the incident of a message; None when the service took it.

    `CALVE_ALERTS_PAGERDUTY_URL` is the address of another region or of a proxy, with https.
    """
    import httpx2
    import pagerduty

    base = environment.get(URL) or None
    try:
        with pagerduty.EventsApiV2Client(
            routing_key, base_url=base, event_hooks={"response": [_stop_when_busy]}
        ) as client:
            client.retry.clear()
            client.max_network_attempts = 0
            client.timeout = TIMEOUT_SECONDS
            key = cut(message.incident, LONGEST_DEDUP_KEY)
            if message.event == "recovered":
                client.resolve(key)
            else:
                client.trigger(dedup_key=key, **event_of(message))
    except _BusyError as busy:
        return Refusal("pagerduty: answered 429, expected 202", asked_pause(busy.after))
    except pagerduty.UrlError:
        return Refusal(f"pagerduty: {URL} is no address with https://; correct it")
    except pagerduty.Error as error:
        said = "no answer" if error.response is None else f"answered {error.response.status_code}"
        return Refusal(f"pagerduty: {said}, expected 202")
    except (OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Refusal(f"pagerduty: no answer ({type(error).__name__}), expected 202")
    return None


def event_of(message: Message) -> dict[str, Any]:
    """Return what `trigger` takes, within the limits that PagerDuty publishes."""
    details = {"meaning": message.meaning, "cause": message.cause, **dict(message.facts)}
    if message.commands:
        details["what to type"] = "\n".join(message.commands)
    payload = {
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "component": message.pipeline,
        "group": message.source,
        "class": message.kind,
    }
    links = [{"href": link.href, "text": link.text} for link in message.links]
    return {
        "summary": cut(message.subject, LONGEST_SUMMARY),
        "source": message.source,
        "severity": message.severity,
        "payload": payload,
        "custom_details": details,
        "links": links or None,
    }


def _stop_when_busy(response: Response) -> None:
    if response.status_code == _TOO_MANY:
        raise _BusyError(response.headers.get("retry-after"))
