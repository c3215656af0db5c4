"""Number the exposures to Snowflake and remember what either of its schemas may still serve.

Maintenance asks here what it must keep. What Snowflake really serves is Snowflake's answer, never this record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from calve.effects import effect
from calve.lake.records import Connection, query, transaction


@dataclass(frozen=True)
class ExposureRecord:
    """One filling of the idle schema.

    Attributes:
        epoch: Number in the idle schema's name; no two exposures share one.
        numbers: Publications that the schema was pointed to.
        state: `filling`, `live`, `idle` (still served by the other schema), or `gone`.
    """

    epoch: int
    numbers: tuple[int, ...]
    state: str
    begun_at: datetime
    live_at: datetime | None


def begin_exposure(conn: Connection, numbers: Iterable[int]) -> ExposureRecord:
    """Take the next epoch and protect these publications from clean-up, before anything is pointed to them."""
    with effect("exposure.begin"), transaction(conn) as cursor:
        cursor.execute("lock table calve.exposure in share row exclusive mode")
        row = cursor.execute(
            "insert into calve.exposure (epoch, numbers, state)"
            " select coalesce(max(epoch), 0) + 1, %s, 'filling' from calve.exposure returning *",
            (sorted(set(numbers)),),
        ).fetchall()[0]
    return _record(row)


def end_exposure(conn: Connection, epoch: int) -> None:
    """Record that this epoch is live: what was live before is idle now, and everything else is served no more."""
    with effect("exposure.end"), transaction(conn) as cursor:
        cursor.execute("lock table calve.exposure in share row exclusive mode")
        cursor.execute(
            """
            update calve.exposure set
                state = case
                    when epoch = %(epoch)s then 'live'
                    when state = 'live' then 'idle'
                    when epoch < %(epoch)s then 'gone'
                    else state
                end,
                live_at = case when epoch = %(epoch)s then clock_timestamp() else live_at end
            where exists (select 1 from calve.exposure where epoch = %(epoch)s and state <> 'live')
            """,
            {"epoch": epoch},
        )


def swap_exposures(conn: Connection) -> None:
    """Record that live and idle changed places, after a swap back."""
    with effect("exposure.swap"), transaction(conn) as cursor:
        cursor.execute(
            "update calve.exposure set state = case state when 'live' then 'idle' else 'live' end"
            " where state in ('live', 'idle') and exists (select 1 from calve.exposure where state = 'idle')"
        )


def last_epoch(conn: Connection) -> int:
    """Return the newest epoch; 0 before the first exposure."""
    return int(query(conn, "select coalesce(max(epoch), 0) as epoch from calve.exposure")[0]["epoch"])


def served_exposures(conn: Connection) -> tuple[ExposureRecord, ...]:
    """Return the exposures that some schema may still show, oldest first."""
    rows = query(conn, "select * from calve.exposure where state <> 'gone' order by epoch")
    return tuple(_record(row) for row in rows)


def _record(row: DictRow) -> ExposureRecord:
    return ExposureRecord(row["epoch"], tuple(row["numbers"]), row["state"], row["begun_at"], row["live_at"])
