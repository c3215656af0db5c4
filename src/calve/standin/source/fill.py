"""Fills the source database up to a day, in one transaction: all of it is there afterwards, or nothing.

However many steps led to a day, the tables hold the same bytes. A database that was filled from another seed or
scale, is further on, or holds planted defects is refused and stays as it is.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date

from psycopg import Connection
from psycopg.rows import TupleRow

from calve.effects import effect
from calve.standin.source.changes import World
from calve.standin.source.clock import HISTORY_START, day_number
from calve.standin.source.loading import Written, write_changes
from calve.standin.source.schema import PRIMARY_KEYS
from calve.standin.source.state import GeneratorError, GeneratorState, read_state, write_state

logger = logging.getLogger(__name__)

MAX_SCALE = 1_000


@dataclass(frozen=True)
class FillSummary:
    """What a fill changed. `since` is None when the database was empty."""

    since: date | None
    until: date
    tables: dict[str, Written]


def fill(conn: Connection[TupleRow], *, until: date, seed: int = 7, scale: float = 1.0) -> FillSummary:
    """Bring the tables to their state at `until` 00:00 UTC (that day itself excluded).

    Call it outside a transaction: it commits its own.

    Args:
        scale: 1 is about 500 order lines a day, 200,000 in 400 days.

    Raises:
        GeneratorError: The database can't become that state; nothing was changed.
    """
    _must_be_possible(until, scale)
    with effect("source.fill"), conn.transaction():
        conn.execute("select pg_advisory_xact_lock(hashtext('calve source generator'))")
        before = read_state(conn)
        _must_follow(before, until, seed, scale)
        since = day_number(before.until) if before else 0
        changes = World(seed, scale, day_number(until)).changes(since, day_number(until))
        written = write_changes(conn, changes, first=before is None)
        write_state(conn, GeneratorState(seed, scale, until, ()))
        if before is None:
            _analyze(conn)
    logger.info("filled the source", extra={"until": until.isoformat(), "seed": seed, "scale": scale})
    return FillSummary(before.until if before else None, until, written)


def _analyze(conn: Connection[TupleRow]) -> None:
    for table in PRIMARY_KEYS:
        conn.execute(f"analyze public.{table}".encode())


def _must_be_possible(until: date, scale: float) -> None:
    if until <= HISTORY_START:
        msg = f"source: until {until} is not after the history's start {HISTORY_START}; choose a later day"
        raise GeneratorError(msg)
    if not 0 < scale <= MAX_SCALE:
        msg = f"source: scale {scale} is out of range; expected more than 0 and at most {MAX_SCALE}"
        raise GeneratorError(msg)


def _must_follow(before: GeneratorState | None, until: date, seed: int, scale: float) -> None:
    """Refuse a step that would not lead to the state that a clean fill has."""
    if before is None:
        return
    if (before.seed, before.scale) != (seed, scale):
        msg = (
            f"source: filled with seed {before.seed} and scale {before.scale}, asked for seed {seed} and scale {scale};"
            " use the same, or an empty database"
        )
        raise GeneratorError(msg)
    if until < before.until:
        msg = f"source: filled until {before.until}, asked for the earlier {until}; use an empty database to go back"
        raise GeneratorError(msg)
    if before.planted:
        msg = f"source: holds planted defects ({', '.join(before.planted)}); run `calve source repair` first"
        raise GeneratorError(msg)
