"""Say which snapshot of `raw.<source>` is the landing of a run, and how far a source was read.

The first attempt that records its landings wins; what another attempt appended to raw is never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from calve.effects import effect
from calve.lake.records import Connection, query, transaction
from calve.runs import ALL, Run

_INSERT = """
insert into calve.landing
    (run_key, source, landing_id, snapshot_id, cut_at, lower, upper, next_lower, rows, totals, seq)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Landing:
    """What one run landed of one source.

    Attributes:
        landing_id: Value of `_landing_id` of its rows.
        snapshot_id: Snapshot of `raw.<source>`.
        cut_at: Instant of the consistent cut, by the source's clock.
        lower: Changes from here on were read; None for everything.
        upper: Changes up to here were read.
        next_lower: Where the next extraction begins.
        totals: What the source itself counted and summed in the same cut.
        seq: Order of the landings of a source: the instant of the cut, in microseconds since 1970.
    """

    run_key: str
    source: str
    landing_id: str
    snapshot_id: int | None
    cut_at: datetime
    lower: datetime | None
    upper: datetime | None
    next_lower: datetime | None
    rows: int
    totals: dict[str, Any]
    seq: int


def landings_of(conn: Connection, run_key: str) -> dict[str, Landing]:
    """Return the landings that the run recorded, by source; all of them or none."""
    rows = query(conn, "select * from calve.landing where run_key = %s", (run_key,))
    return {row["source"]: _landing(row) for row in rows}


def record_landings(conn: Connection, landings: Sequence[Landing]) -> dict[str, Landing]:
    """Record what one run landed at one cut, unless it has landings, and return those that count, by source.

    They stand together or not at all, so that no attempt goes on with sources of two cuts.
    """
    (run_key,) = {landing.run_key for landing in landings}
    with effect("landing.record"), transaction(conn) as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 2))", (run_key,))
        if not landings_of(conn, run_key):
            cursor.executemany(_INSERT, [tuple(_columns(landing)) for landing in landings])
    return landings_of(conn, run_key)


def _columns(landing: Landing) -> Iterator[object]:
    for name in Landing.__dataclass_fields__:
        value = getattr(landing, name)
        yield Jsonb(value) if name == "totals" else value


def nothing_landed(run: Run, source: str) -> Landing:
    """Return what stands for a source of which the run takes nothing: no rows, no record, and no watermark."""
    totals = {"source_rows": 0, "source_sums": {}, "read_rows": 0, "read_sums": {}, "reread": 0, "warnings": []}
    return Landing(run.key, source, "", None, run.interval.until, None, None, None, 0, totals, 0)


def accepted_landings(conn: Connection, source: str) -> list[str]:
    """Return the landing ids whose rows count, oldest first: those of publications that no rollback withdrew."""
    rows = query(
        conn,
        """
        select landing.landing_id
        from calve.landing
        inner join calve.live_publication as live on live.run_key = landing.run_key
        where landing.source = %s
        order by landing.seq
        """,
        (source,),
    )
    return [row["landing_id"] for row in rows]


def watermark(conn: Connection, source: str) -> datetime | None:
    """Return where the next extraction of the source begins; None when nothing of it is published.

    Runs of a scope read a part only, so they don't move it. A rollback moves it back to where the restored
    publication left it: what was withdrawn is read again.
    """
    rows = query(
        conn,
        """
        select max(landing.next_lower) as next_lower
        from calve.landing
        inner join calve.live_publication as live on live.run_key = landing.run_key
        inner join calve.publication on publication.number = live.number
        where landing.source = %s and publication.scope = %s
        """,
        (source, ALL),
    )
    found: datetime | None = rows[0]["next_lower"]
    return found


def _landing(row: DictRow) -> Landing:
    return Landing(**{name: row[name] for name in Landing.__dataclass_fields__})
