"""What the generator remembers in the database it filled: seed, scale, day, planted defects.

Never guesses: a database that was filled otherwise, or moved on, is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from psycopg import Connection
from psycopg.rows import TupleRow

from calve.errors import CalveError


class GeneratorError(CalveError):
    """The source database is not in the state that the generator's step needs; it is unchanged."""


@dataclass(frozen=True)
class GeneratorState:
    """How far a database is filled, and from what."""

    seed: int
    scale: float
    until: date
    planted: tuple[str, ...]


def read_state(conn: Connection[TupleRow]) -> GeneratorState | None:
    """Return the state of the database; None if it was never filled.

    Raises:
        GeneratorError: The tables are not there.
    """
    if conn.execute("select to_regclass('generator.generator_state')").fetchone() == (None,):
        msg = "source: no tables of the generator in this database; call create_schema first, or `calve source fill`"
        raise GeneratorError(msg)
    row = conn.execute("select seed, scale, until from generator.generator_state").fetchone()
    if row is None:
        return None
    planted = conn.execute("select defect from generator.planted order by defect").fetchall()
    return GeneratorState(row[0], row[1], row[2], tuple(name for (name,) in planted))


def filled_state(conn: Connection[TupleRow]) -> GeneratorState:
    """Return the state of a database that must have been filled."""
    state = read_state(conn)
    if state is None:
        msg = "source: the database is empty, expected a filled one; run `calve source fill --until DATE` first"
        raise GeneratorError(msg)
    return state


def write_state(conn: Connection[TupleRow], state: GeneratorState) -> None:
    """Remember how far the database is filled."""
    conn.execute(
        "insert into generator.generator_state (seed, scale, until) values (%s, %s, %s)"
        " on conflict (singleton) do update set until = excluded.until",
        [state.seed, state.scale, state.until],
    )
