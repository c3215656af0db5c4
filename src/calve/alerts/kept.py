"""Keep alerts: one row per cause, raised and recovered by anybody, in any number of processes.

An alert is open until its cause is over (`recovered`), and closed when that is on its way to the routes. A cause that
comes back before that is the same alert; after it, the next opening of the same key. Nothing is sent from here, and
no secret is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import LiteralString

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from calve.alerts.alert import Alert, Kept, Kind, Link
from calve.effects import effect
from calve.lake.ledger import next_interval
from calve.lake.records import Connection, Cursor, query, transaction
from calve.redaction import redacted
from calve.runs import ALL, Interval, Run

KEEP = timedelta(days=400)
OF_A_RUN: tuple[Kind, ...] = ("blocked", "failed", "overdue")

_RAISE: LiteralString = """
insert into calve.alert (
    key, opening, kind, severity, pipeline, since, until, scope, part, run_key, owners, title, cause, commands, links,
    after_publication
) values (
    %(key)s, (select coalesce(max(opening), 0) + 1 from calve.alert where key = %(key)s), %(kind)s, %(severity)s,
    %(pipeline)s, %(since)s, %(until)s, %(scope)s, %(part)s, %(run_key)s, %(owners)s, %(title)s, %(cause)s,
    %(commands)s, %(links)s,
    (select coalesce(max(number), 0) from calve.publication)
)
on conflict (key) where closed_at is null do update set
    until = greatest(alert.until, excluded.until), run_key = excluded.run_key, owners = excluded.owners,
    title = excluded.title, cause = excluded.cause, commands = excluded.commands, links = excluded.links,
    after_publication = excluded.after_publication, times = alert.times + 1, last_raised_at = clock_timestamp(),
    recovered_at = null, recovery = null
returning times = 1 as is_new
"""

_FORGET: LiteralString = """
with old as (
    select number from calve.alert
    where closed_at <= clock_timestamp() - %s and not exists (
        select from calve.alert_delivery where alert = alert.number and state = 'pending'
    )
), told as (
    delete from calve.alert_delivery where alert in (select number from old)
)
delete from calve.alert where number in (select number from old)
"""


def raise_alert(conn: Connection, alert: Alert) -> bool:
    """Keep that there is this cause, and return whether that is news.

    A report that comes late, when the interval was published since, opens nothing.
    """
    cleared = alert.cleared()
    values = {name: getattr(cleared, name) for name in ("kind", "severity", "pipeline", "part", "run_key", "title")}
    values |= {"key": alert.key, "scope": alert.scope, "cause": cleared.cause, "commands": list(cleared.commands)}
    values |= {"since": alert.interval.since, "until": alert.interval.until, "owners": list(alert.owners)}
    values |= {"links": Jsonb([asdict(link) for link in cleared.links])}
    with effect("alert.raise"), transaction(conn) as cursor:
        if _came_late(cursor, alert):
            return False
        row = cursor.execute(_RAISE, values).fetchone()
    return bool(row and row["is_new"])


def _came_late(cursor: Cursor, alert: Alert) -> bool:
    """Tell whether the run that the alert is about, or a later generation of it, is published."""
    if alert.kind not in ("blocked", "failed") or alert.part or alert.run_key is None:
        return False
    run = Run.parse(alert.run_key)
    found = cursor.execute(
        "select 1 as found from calve.publication inner join calve.live_publication using (number)"
        " where publication.pipeline = %s and since = %s and until = %s and scope = %s and generation >= %s limit 1",
        (run.pipeline, run.interval.since, run.interval.until, run.scope, run.generation),
    )
    return found.fetchone() is not None


def recover(
    conn: Connection,
    pipeline: str,
    interval: Interval,
    *,
    kinds: Iterable[Kind] = OF_A_RUN,
    part: str = "",
    reason: str = "it is over",
) -> int:
    """Say that the open alerts of these kinds inside the interval are over; return how many there were.

    Args:
        interval: Made true as a whole; alerts about a longer one, or another pipeline, stay open.
        part: Only alerts of this dataset or step; empty for those of the run as a whole.
        reason: Follows "recovered: " in messages.
    """
    with effect("alert.recover"), transaction(conn) as cursor:
        return cursor.execute(
            "update calve.alert set recovered_at = clock_timestamp(), recovery = %s"
            " where pipeline = %s and kind = any(%s) and part = %s and since >= %s and until <= %s"
            " and recovered_at is null and closed_at is null",
            (redacted(reason), pipeline, list(kinds), part, interval.since, interval.until),
        ).rowcount


def recover_step(conn: Connection, step: str, pipeline: str | None = None) -> int:
    """Say that a step works again, whichever day its failure was seen on; return how many alerts that ends.

    Args:
        pipeline: None for a step that serves all pipelines at once, as `expose` and `report` do.
    """
    with effect("alert.recover"), transaction(conn) as cursor:
        return cursor.execute(
            "update calve.alert set recovered_at = clock_timestamp(), recovery = %(reason)s"
            " where kind = 'failed' and part = %(step)s and recovered_at is null and closed_at is null"
            " and (%(pipeline)s::text is null or pipeline = %(pipeline)s)",
            {"reason": f"{step} succeeded", "step": step, "pipeline": pipeline},
        ).rowcount


def recover_published(conn: Connection) -> int:
    """Say of every open alert that the records prove to be over that it is; return how many there were.

    Blocked and failed runs are over when later publications cover their interval, missed deadlines when the ledger
    does, an anomaly when a later publication has no warning of its dataset. A step that failed after publication has
    no such proof: who repeats it says `recover_step`.
    """
    count = 0
    for kept in open_alerts(conn):
        reason = _what_ended(conn, kept) if kept.recovered_at is None else None
        if reason is None:
            continue
        with effect("alert.recover"), transaction(conn) as cursor:
            # Raised again meanwhile: the proof may be older than that.
            count += cursor.execute(
                "update calve.alert set recovered_at = clock_timestamp(), recovery = %s"
                " where number = %s and times = %s and recovered_at is null and closed_at is null",
                (reason, kept.number, kept.times),
            ).rowcount
    return count


def close(conn: Connection, number: int, reason: str) -> bool:
    """Say of one open alert that it is over, because a person says so; return whether it was open."""
    with effect("alert.recover"), transaction(conn) as cursor:
        changed = cursor.execute(
            "update calve.alert set recovered_at = clock_timestamp(), recovery = %s"
            " where number = %s and recovered_at is null and closed_at is null",
            (redacted(reason), number),
        ).rowcount
    return bool(changed)


def forget(conn: Connection, keep: timedelta = KEEP) -> int:
    """Remove the alerts that closed so long ago, and what was sent of them; return how many there were.

    One that is open stays, however old, and so does one of which a message waits for its route.
    """
    with effect("alert.forget"), transaction(conn) as cursor:
        return cursor.execute(_FORGET, (keep,)).rowcount


def open_alerts(conn: Connection, pipeline: str | None = None) -> list[Kept]:
    """Return the alerts that are not closed, oldest first; those that recovered and may come back are among them."""
    rows = query(
        conn,
        "select * from calve.alert where closed_at is null and (%(pipeline)s::text is null or pipeline = %(pipeline)s)"
        " order by number",
        {"pipeline": pipeline},
    )
    return [from_row(row) for row in rows]


def from_row(row: DictRow) -> Kept:
    """Return an alert as its row says."""
    alert = Alert(
        kind=row["kind"],
        pipeline=row["pipeline"],
        interval=Interval(row["since"], row["until"]),
        owners=tuple(row["owners"]),
        title=row["title"],
        cause=row["cause"],
        run_key=row["run_key"],
        part=row["part"],
        commands=tuple(row["commands"]),
        links=tuple(Link(**link) for link in row["links"]),
        severity=row["severity"],
    )
    times: tuple[datetime, datetime | None] = (row["raised_at"], row["recovered_at"])
    return Kept(row["number"], row["key"], row["opening"], alert, row["times"], *times, row["recovery"])


def _what_ended(conn: Connection, kept: Kept) -> str | None:
    alert = kept.alert
    if alert.kind == "overdue":
        start: date = alert.interval.since.date()
        is_over = next_interval(conn, alert.pipeline, start, alert.interval.until) is None
        return f"{alert.pipeline} is published to {alert.interval.until:%Y-%m-%d}" if is_over else None
    later = _later_publications(conn, kept)
    if alert.kind == "anomaly":
        number = next((row["number"] for row in later if not _warns(conn, row["run_key"], alert.part)), None)
        return f"publication {number} has no warning of {alert.part}" if number else None
    if alert.part:
        return None
    end = alert.interval.since
    for row in sorted(later, key=lambda each: (each["since"], each["until"])):
        if row["since"] <= end < row["until"]:
            end = row["until"]
        if end >= alert.interval.until:
            return f"{alert.pipeline} {alert.interval} is published"
    return None


def _later_publications(conn: Connection, kept: Kept) -> list[DictRow]:
    """Return the live publications since the alert was last raised, counted by numbers: clocks may differ."""
    return query(
        conn,
        "select publication.number, publication.run_key, since, until"
        " from calve.publication inner join calve.live_publication using (number)"
        " where publication.pipeline = %s and publication.kind = 'run' and scope = any(%s)"
        " and number > (select after_publication from calve.alert where alert.number = %s) order by number",
        (kept.alert.pipeline, [ALL, kept.alert.scope], kept.number),
    )


def _warns(conn: Connection, run_key: str, dataset: str) -> bool:
    rows = query(
        conn,
        "select results from calve.verdict where run_key = %s and dataset = %s and voided_at is null",
        (run_key, dataset),
    )
    return not rows or any(result["outcome"] == "warned" for row in rows for result in row["results"])
