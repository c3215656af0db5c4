"""Deliver what is due, and never fail for a route's sake.

Promised: every cause is told at least once on each of its routes, or its recovery is when it was over before a route
took it. One process sends a message, once. It goes twice only when that process dies between the route's answer and
the record of it, or the answer is lost on the way: PagerDuty folds the second by its dedup_key, a mail has the same
Message-ID, Slack shows it twice. Nothing better is possible over these protocols.

A route that does not answer is left alone for the rest of the call, and tried again by a later one: after 30 seconds,
then twice as long each time, at most an hour.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from calve.alerts import outbox
from calve.alerts.alert import Alert, Event, Kept, cut
from calve.alerts.answer import Refusal
from calve.alerts.incident import send_to_pagerduty
from calve.alerts.mail import PASSWORD, send_by_mail
from calve.alerts.message import message_of
from calve.alerts.routes import Route, Routes
from calve.alerts.slack import send_to_slack
from calve.effects import effect
from calve.lake.records import Connection
from calve.redaction import redacted
from calve.runs import DAY, Interval

logger = logging.getLogger(__name__)

SOURCE, DOCS = "CALVE_ALERTS_SOURCE", "CALVE_ALERTS_DOCS_URL"
DEFAULT_SOURCE = "calve"
LONGEST_ERROR = 160


@dataclass(frozen=True)
class Delivered:
    """What one call came to.

    Attributes:
        failed: Route to what it said.
    """

    sent: int
    failed: dict[str, str]


def deliver(
    conn: Connection, routes: Routes, environment: Mapping[str, str], *, now: datetime | None = None
) -> Delivered:
    """Send all that is due, on every route that answers.

    Args:
        environment: Holds the variables that routes name, and `CALVE_ALERTS_…`.
        now: None means the database's clock.
    """
    outbox.prepare(conn, routes, now)
    by_name = {route.route: route for route in routes.routes}
    sent, failed = 0, dict[str, str]()
    while claimed := outbox.claim(conn, by_name.keys() - failed.keys(), now):
        refusal = send(by_name[claimed.route], claimed.kept, claimed.event, environment)
        fields = {"route": claimed.route, "alert": claimed.kept.key, "event": claimed.event}
        if refusal is None:
            outbox.sent(conn, claimed)
            sent += 1
            logger.info("alert delivered", extra=fields)
            continue
        pause = outbox.refused(conn, claimed, refusal.error, after=refusal.after, now=now)
        failed[claimed.route] = refusal.error
        waits = {"error": refusal.error, "attempts": claimed.attempts, "pause_seconds": int(pause.total_seconds())}
        logger.warning("alert not delivered, kept for later", extra=fields | waits)
    return Delivered(sent, failed)


def send(route: Route, kept: Kept, event: Event, environment: Mapping[str, str]) -> Refusal | None:
    """Send one message one way, whatever was sent before; None when the route took it."""
    try:
        with effect("alert.send"):
            refusal = _send(route, kept, event, environment)
    except Exception as error:  # a sender's own mistake must not fail a run either
        refusal = Refusal(f"{route.route}: {type(error).__name__} while sending")
    # First taken out, then cut: half a secret is one too.
    return refusal and Refusal(cut(redacted(refusal.error, _secrets(route, environment)), LONGEST_ERROR), refusal.after)


def _send(route: Route, kept: Kept, event: Event, environment: Mapping[str, str]) -> Refusal | None:
    message = message_of(kept, event, environment.get(SOURCE) or DEFAULT_SOURCE, environment.get(DOCS, ""))
    if route.mail:
        return send_by_mail(route.mail.to, message, environment)
    variable = _variable(route)
    secret = environment.get(variable, "").strip()
    if not secret:
        return Refusal(f"{route.route}: {variable} is not set; set it where alerts are delivered")
    if route.slack:
        return send_to_slack(secret, message)
    return send_to_pagerduty(secret, message, environment)


def _variable(route: Route) -> str:
    return route.slack.webhook if route.slack else route.incident.routing_key if route.incident else PASSWORD


def _secrets(route: Route, environment: Mapping[str, str]) -> list[str]:
    """Return the route's secret, and what follows its last slash, since an answer may name a path alone."""
    secret = environment.get(_variable(route), "").strip()
    return [secret, secret.rpartition("/")[2]]


def try_route(route: Route, environment: Mapping[str, str], now: datetime) -> Refusal | None:
    """Send one test message, and its recovery where it opens an incident; keeps no record of it."""
    today = datetime(now.year, now.month, now.day, tzinfo=UTC)
    alert = Alert(
        kind="failed",
        pipeline="test",
        interval=Interval(today - DAY, today),
        owners=route.owners or ("test",),
        title=f"test of route {route.route}",
        cause="Somebody typed `calve alerts test`. Nothing is wrong.",
        commands=("calve alerts list",),
        severity="info",
    )
    kept = Kept(0, f"test:{route.route}", 1, alert, 1, now, now, "it was a test")
    refusal = send(route, kept, "opened", environment)
    if refusal is None and route.incident:
        refusal = send(route, kept, "recovered", environment)
    return refusal
