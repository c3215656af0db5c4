"""Decide what maintenance keeps: which publications, which branches, and files from when on.

Never gives up what is newest, what either Snowflake schema serves, or what a run that is alive may need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from calve.lake.exposures import served_exposures
from calve.lake.published import Publication, history
from calve.lake.records import Connection, query

KEEP_PUBLICATIONS = timedelta(days=35)
KEEP_FILES = timedelta(days=3)
MARGIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Retention:
    """What one maintenance keeps, decided at its start.

    Attributes:
        kept: Publications whose tags and copies stay.
        expired: Publications whose tags and copies go.
        dead_branches: Branches that no run and no person needs any more.
        files_before: Only files written before this instant may be deleted.
        snapshots_before: Only snapshots made before this instant may be expired.
    """

    kept: tuple[Publication, ...]
    expired: tuple[Publication, ...]
    dead_branches: frozenset[str]
    files_before: datetime
    snapshots_before: datetime


def decide(
    conn: Connection, *, publications: timedelta = KEEP_PUBLICATIONS, files: timedelta = KEEP_FILES
) -> Retention:
    """Decide what to keep as of now, by PostgreSQL's clock.

    Args:
        publications: Age from which a publication is kept only as the last one of its month.
        files: Age from which files that nothing refers to, and snapshots outside all refs, may go.
    """
    now: datetime = query(conn, "select clock_timestamp() as now")[0]["now"]
    served = {number for exposure in served_exposures(conn) for number in exposure.numbers}
    known = history(conn, limit=1_000_000)
    kept = kept_numbers(known, now - publications) | served
    alive = _alive_since(conn)
    before = min([now - files, *(since - MARGIN for since in alive)])
    return Retention(
        kept=tuple(each for each in known if each.number in kept),
        expired=tuple(each for each in known if each.number not in kept),
        dead_branches=_dead_branches(conn),
        files_before=before,
        snapshots_before=before,
    )


def kept_numbers(publications: Iterable[Publication], before: datetime) -> set[int]:
    """Return the publications since `before`, the newest of each pipeline, and the last of each month."""
    kept: set[int] = set()
    lasts: dict[tuple[str, int, int], int] = {}
    for each in sorted(publications, key=lambda publication: publication.number):
        if each.published_at >= before:
            kept.add(each.number)
        lasts[each.pipeline, each.published_at.year, each.published_at.month] = each.number
    return kept | set(lasts.values())


def _alive_since(conn: Connection) -> list[datetime]:
    """Return when the runs that may still be alive began; whoever stages or publishes holds a lease.

    One that ran out a day ago without being taken over has no live holder.
    """
    rows = query(
        conn,
        """
        select least(min(lease.since_at), min(attempt.started_at)) as since
        from calve.lease
        left join calve.attempt
            on attempt.pipeline = lease.pipeline and attempt.epoch = lease.epoch and attempt.ended_at is null
        where lease.released_at is null and lease.until_at > clock_timestamp() - interval '1 day'
        group by lease.pipeline
        """,
    )
    return [row["since"] for row in rows]


def _dead_branches(conn: Connection) -> frozenset[str]:
    """Return the branches of attempts that are over, unless their verdict still waits for a publication.

    A passed run may still be published from its branch, and the quarantine of a blocked run is read from its
    branch: both until a later publication of the pipeline.
    """
    rows = query(
        conn,
        """
        select attempt.branch
        from calve.attempt
        left join calve.lease
            on lease.pipeline = attempt.pipeline and lease.epoch = attempt.epoch and lease.released_at is null
        where (attempt.ended_at is not null or lease.pipeline is null)
            and not exists (
                select 1 from calve.verdict
                where verdict.run_key = attempt.run_key and verdict.attempt = attempt.attempt
                    and verdict.voided_at is null
                    and not exists (
                        select 1 from calve.publication
                        where publication.pipeline = attempt.pipeline
                            and publication.published_at > verdict.decided_at
                    )
            )
        """,
    )
    return frozenset(row["branch"] for row in rows)
