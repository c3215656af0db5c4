"""Say which snapshot of `raw.<source>` is the landing of a run, and how far a source was read.

The first attempt that records a landing wins; what another attempt appended to raw is never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from calve.effects import effect
from calve.lake.records import Connection, query, transaction
from calve.runs import ALL


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
        seq: Order of landings; a number of `next_sequence`.
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


def next_sequence(conn: Connection) -> int:
    """Return a number greater than that of every landing that began before."""
    with effect("landing.sequence"):
        return int(query(conn, "select nextval('calve.landing_sequence') as seq")[0]["seq"])


def find_landing(conn: Connection, run_key: str, source: str) -> Landing | None:
    """Return the landing that the run recorded."""
    rows = query(conn, "select * from calve.landing where run_key = %s and source = %s", (run_key, source))
    return _landing(rows[0]) if rows else None


def record_landing(conn: Connection, landing: Landing) -> Landing:
    """Record a landing, unless its run has one of this source, and return the one that counts."""
    with effect("landing.record"), transaction(conn) as cursor:
        cursor.execute(
            """
            insert into calve.landing
                (run_key, source, landing_id, snapshot_id, cut_at, lower, upper, next_lower, rows, totals, seq)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (run_key, source) do nothing
            """,
            (
                landing.run_key,
                landing.source,
                landing.landing_id,
                landing.snapshot_id,
                landing.cut_at,
                landing.lower,
                landing.upper,
                landing.next_lower,
                landing.rows,
                Jsonb(landing.totals),
                landing.seq,
            ),
        )
    return find_landing(conn, landing.run_key, landing.source) or landing


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
