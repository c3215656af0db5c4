"""Which message goes which way, and how far it got: the rows that keep two processes from sending the same.

A message is claimed before it is sent and recorded after it. Whoever dies in between leaves a claim that runs out:
only then can a message go twice. Every step looks at the database's clock unless it is given another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from calve.alerts.alert import Event, Kept
from calve.alerts.kept import from_row
from calve.alerts.routes import Routes
from calve.effects import effect
from calve.lake.records import Connection, Cursor, query, transaction

# Longer than any sender takes before it gives up.
CLAIM = timedelta(minutes=5)
_ROUTING_LOCK = 0x63616C7665_02
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)

_CLAIM: LiteralString = """
update calve.alert_delivery as mine set
    attempts = mine.attempts + 1,
    claimed_until = coalesce(%(now)s::timestamptz, clock_timestamp()) + %(claim)s
from (
    select delivery.alert, delivery.route, delivery.event
    from calve.alert_delivery as delivery
    inner join calve.alert on alert.number = delivery.alert
    where delivery.state = 'pending' and delivery.route = any(%(routes)s)
        and delivery.due_at <= coalesce(%(now)s::timestamptz, clock_timestamp())
        and coalesce(delivery.claimed_until, '-infinity') <= coalesce(%(now)s::timestamptz, clock_timestamp())
        and (
            (delivery.event = 'opened' and alert.recovered_at is null)
            or (
                delivery.event = 'recovered' and not exists (
                    select from calve.alert_delivery as opened
                    where opened.alert = delivery.alert and opened.route = delivery.route
                        and opened.event = 'opened' and opened.state = 'pending'
                )
            )
        )
    order by delivery.due_at, delivery.alert
    limit 1
    for update of delivery skip locked
) as next
where mine.alert = next.alert and mine.route = next.route and mine.event = next.event
returning mine.alert, mine.route, mine.event, mine.attempts
"""


@dataclass(frozen=True)
class Claimed:
    """A message that this process alone sends now."""

    kept: Kept
    route: str
    event: Event
    attempts: int


@dataclass(frozen=True)
class Pending:
    """A message that is not delivered yet.

    Attributes:
        last_error: None while nobody tried.
    """

    alert: int
    route: str
    event: Event
    attempts: int
    due_at: datetime
    last_error: str | None


def prepare(conn: Connection, routes: Routes, now: datetime | None = None) -> None:
    """Decide where new alerts go, and send recoveries that have settled after what they close.

    An alert is routed once, and again when it grew heavier: a route that is added later doesn't tell old news. A
    recovery goes to the routes that the alert went to; an opening that none of them took until then is not sent any
    more.
    """
    with effect("alert.route"), transaction(conn) as cursor:
        # One at a time: a waiting process finds it done.
        cursor.execute("select pg_advisory_xact_lock(%s)", (_ROUTING_LOCK,))
        _route(cursor, routes, now)
        _close(cursor, routes, now)
        cursor.execute(
            "update calve.alert_delivery as opened set state = 'superseded'"
            " where event = 'opened' and state = 'pending'"
            " and coalesce(claimed_until, '-infinity') <= coalesce(%s::timestamptz, clock_timestamp())"
            " and exists (select from calve.alert where alert.number = opened.alert and closed_at is not null)",
            (now,),
        )


def _route(cursor: Cursor, routes: Routes, now: datetime | None) -> None:
    new = cursor.execute("select * from calve.alert where routed_at is null order by number for update").fetchall()
    for kept in map(from_row, new):
        _add(cursor, kept.number, [route.route for route in routes.taking(kept.alert)], "opened", now)
        cursor.execute(
            "update calve.alert set routed_at = clock_timestamp(), severity = %s where number = %s",
            (routes.severity_of(kept.alert), kept.number),
        )


def _close(cursor: Cursor, routes: Routes, now: datetime | None) -> None:
    settled = cursor.execute(
        "update calve.alert set closed_at = clock_timestamp() where closed_at is null"
        " and recovered_at + %s <= coalesce(%s::timestamptz, clock_timestamp()) returning number",
        (timedelta(minutes=routes.settle_minutes), now),
    ).fetchall()
    silent = {route.route for route in routes.routes if not route.recoveries}
    for row in settled:
        told = cursor.execute(
            "select route from calve.alert_delivery where alert = %s and event = 'opened' order by route",
            (row["number"],),
        ).fetchall()
        _add(cursor, row["number"], [each["route"] for each in told if each["route"] not in silent], "recovered", now)


def _add(cursor: Cursor, alert: int, routes: Iterable[str], event: Event, now: datetime | None) -> None:
    cursor.executemany(
        "insert into calve.alert_delivery (alert, route, event, due_at)"
        " values (%s, %s, %s, coalesce(%s::timestamptz, clock_timestamp()))"
        # An alert that grew heavier is routed again; who was told is not told twice.
        " on conflict (alert, route, event) do nothing",
        [(alert, route, event, now) for route in routes],
    )


def claim(conn: Connection, routes: Iterable[str], now: datetime | None = None) -> Claimed | None:
    """Claim the message that is due longest on one of the routes; None when there is none."""
    with effect("alert.claim"), transaction(conn) as cursor:
        row = cursor.execute(_CLAIM, {"routes": list(routes), "claim": CLAIM, "now": now}).fetchone()
        if row is None:
            return None
        (alert,) = cursor.execute("select * from calve.alert where number = %s", (row["alert"],)).fetchall()
    return Claimed(from_row(alert), row["route"], row["event"], row["attempts"])


def sent(conn: Connection, claimed: Claimed, note: str | None = None) -> None:
    """Record that a route took the message; it is never sent again."""
    with effect("alert.record"), transaction(conn) as cursor:
        cursor.execute(
            "update calve.alert_delivery set state = 'sent', sent_at = clock_timestamp(), claimed_until = null,"
            " last_error = %s where alert = %s and route = %s and event = %s",
            (note, claimed.kept.number, claimed.route, claimed.event),
        )


def refused(
    conn: Connection, claimed: Claimed, error: str, *, after: timedelta | None = None, now: datetime | None = None
) -> timedelta:
    """Record why a route did not take the message, and when it is tried again; return the pause.

    Args:
        after: How long the route asks to be left alone.
    """
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(claimed.attempts - 1, 10), LONGEST_PAUSE)
    pause = max(pause, min(after or timedelta(0), LONGEST_PAUSE))
    with effect("alert.record"), transaction(conn) as cursor:
        cursor.execute(
            "update calve.alert_delivery set claimed_until = null, last_error = %s,"
            " due_at = coalesce(%s::timestamptz, clock_timestamp()) + %s"
            " where alert = %s and route = %s and event = %s and state = 'pending'",
            (error, now, pause, claimed.kept.number, claimed.route, claimed.event),
        )
    return pause


def pending(conn: Connection) -> list[Pending]:
    """Return what is not delivered yet, oldest alert first."""
    rows = query(
        conn,
        "select alert, route, event, attempts, due_at, last_error from calve.alert_delivery"
        " where state = 'pending' order by alert, route, event desc",
    )
    return [Pending(**row) for row in rows]
