"""Say which pipelines have published nothing by the agreed hour.

Reads ledger and `pipelines.yaml`. Days that stay away together are one alert, named by the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from calve.alerts.alert import Alert
from calve.contract.models import Pipeline
from calve.contract.project import Project
from calve.lake.ledger import next_interval
from calve.lake.records import Connection, query
from calve.runs import DAY, Interval


def due_at(pipeline: Pipeline, day: date) -> datetime:
    """Return when the interval of a UTC day is due: the first schedule time at or after the midnight that ends it."""
    from croniter import croniter

    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
    found: datetime = croniter(pipeline.schedule, midnight - timedelta(seconds=1)).get_next(datetime)
    return found


def overdue(conn: Connection, project: Project, now: datetime) -> Iterator[Alert]:
    """Yield an alert for each pipeline of which days are due longer than agreed and not published.

    Nothing is due before a pipeline's `start`.
    """
    for name in project.pipeline_order():
        pipeline = project.pipelines[name]
        gap = next_interval(conn, name, date.fromisoformat(pipeline.start), now)
        until = _late_until(pipeline, gap, now) if gap else None
        if gap and until:
            yield _alert(pipeline, Interval(_known_since(conn, name, gap.since), until), gap.since, now)


def _late_until(pipeline: Pipeline, gap: Interval, now: datetime) -> datetime | None:
    """Return where the days of a gap whose hour is past end; None when none is."""
    until = gap.until
    while until > gap.since and _deadline(pipeline, until) > now:
        until -= DAY
    return until if until > gap.since else None


def _deadline(pipeline: Pipeline, until: datetime) -> datetime:
    return due_at(pipeline, (until - DAY).date()) + timedelta(minutes=pipeline.deadline_minutes)


def _known_since(conn: Connection, pipeline: str, since: datetime) -> datetime:
    """Return the first day of the open alert that a gap belongs to: days of it were published meanwhile."""
    rows = query(
        conn,
        "select since from calve.alert where kind = 'overdue' and pipeline = %s and closed_at is null"
        " and recovered_at is null and since <= %s and until > %s order by since limit 1",
        (pipeline, since, since),
    )
    found: datetime = rows[0]["since"] if rows else since
    return found


def _alert(pipeline: Pipeline, interval: Interval, first: datetime, now: datetime) -> Alert:
    name, days = pipeline.pipeline, (interval.until - first) // DAY
    agreed = _deadline(pipeline, first + DAY)
    missing = f"{first:%Y-%m-%d}" if days == 1 else f"{days} days from {first:%Y-%m-%d} on"
    return Alert(
        kind="overdue",
        pipeline=name,
        interval=interval,
        owners=(pipeline.owner.alerts,),
        title=f"{name}: {missing} not published",
        cause=f"Due {due_at(pipeline, first.date()):%Y-%m-%d %H:%M} UTC, expected by {agreed:%Y-%m-%d %H:%M} UTC, "
        f"found nothing at {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
        commands=("calve status", f"calve history {name}", f"calve run {name}"),
    )
