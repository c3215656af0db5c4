"""Send a message to a Slack channel by its incoming webhook.

One request, no retry below us: a lost reply may have been a delivery. The URL is the secret; it is never told or
logged.
"""

from __future__ import annotations

import logging
from typing import Any

from calve.alerts.alert import cut
from calve.alerts.answer import TIMEOUT_SECONDS, Refusal, asked_pause
from calve.alerts.message import Message

LONGEST_HEADER, LONGEST_SECTION, LONGEST_FIELD = 150, 3000, 2000
_OK, _TAKEN = 200, "ok"
# The client writes the URL to its logger when that has no level; this one has one, and is nobody's child.
_SILENT = logging.Logger("calve.alerts.slack.client", logging.CRITICAL + 1)


def send_to_slack(url: str, message: Message) -> Refusal | None:
    """Post the message; None when Slack took it."""
    from slack_sdk.errors import SlackClientError
    from slack_sdk.webhook import WebhookClient

    client = WebhookClient(url, timeout=TIMEOUT_SECONDS, logger=_SILENT, retry_handlers=[])
    try:
        answer = client.send(
            text=_escaped(message.subject, LONGEST_SECTION), blocks=blocks(message), unfurl_links=False
        )
    except (OSError, SlackClientError, ValueError) as error:
        return Refusal(f"slack: no answer ({type(error).__name__}), expected 200 ok")
    # A proxy's page of its own has 200 too.
    if answer.status_code == _OK and answer.body.strip() == _TAKEN:
        return None
    word = " ".join(answer.body.split())
    headers = {str(name).lower(): str(value) for name, value in dict(answer.headers).items()}
    return Refusal(
        f"slack: answered {answer.status_code} {word}, expected 200 ok", asked_pause(headers.get("retry-after"))
    )


def blocks(message: Message) -> list[dict[str, Any]]:
    """Return the message as Block Kit: header, cause, commands, facts, links; each within Slack's limits."""
    mark = {"critical": ":rotating_light:", "error": ":red_circle:", "warning": ":large_yellow_circle:"}
    sign = ":white_check_mark:" if message.event == "recovered" else mark.get(message.severity, ":information_source:")
    found: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(message.subject, LONGEST_HEADER)}},
        _section(f"{sign} {_escaped(message.meaning, 600)}"),
    ]
    if message.cause:
        found.append(_section(_escaped(message.cause, LONGEST_SECTION)))
    if message.commands:
        text = _escaped("\n".join(message.commands).replace("```", "'''"), LONGEST_SECTION - 8)
        found.append(_section(f"```\n{text}\n```"))
    facts = [f"*{_escaped(name, 60)}*\n{_escaped(value, LONGEST_FIELD - 70)}" for name, value in message.facts[:10]]
    found.append({"type": "section", "fields": [{"type": "mrkdwn", "text": fact} for fact in facts]})
    found += [_section(f"<{_address(link.href)}|{_link_text(link.text)}>") for link in message.links]
    return found


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _address(href: str) -> str:
    """Return an address that ends nothing of Slack's own notation."""
    for sign, code in (("|", "%7C"), ("<", "%3C"), (">", "%3E"), (" ", "%20"), ("&", "&amp;")):
        href = href.replace(sign, code)
    return href


def _link_text(text: str) -> str:
    return _escaped(text.replace("|", "/"), 300)


def _escaped(text: str, longest: int) -> str:
    """Return the text as Slack wants it, `&`, `<` and `>` as entities, none of them torn by the limit."""
    end = longest
    while len(found := _entities(cut(text, end))) > longest:
        end -= max(1, (len(found) - longest) // 5)
    return found


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
