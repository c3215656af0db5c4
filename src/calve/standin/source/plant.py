"""Plants defects on the newest filled day, and repairs all of them at once.

After a repair the tables hold what they would if nothing had been planted: the clean rows are generated anew, never
kept aside. Only their `updated_at` differs, where they have one: like any owner's correction it says when it was made,
the end of the newest filled day, so that whoever landed a wrong row lands the right one. An erased account is as it
was.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import Connection
from psycopg.rows import TupleRow

from calve.effects import effect
from calve.standin.source.accounts import ACCOUNT_ID_FROM
from calve.standin.source.altered_schema import UNDO
from calve.standin.source.changes import World
from calve.standin.source.clock import day_number
from calve.standin.source.defects import DEFECTS, Defect, Expected
from calve.standin.source.loading import Written, upsert_rows, write_changes
from calve.standin.source.orders import ORDERS_PER_DAY
from calve.standin.source.sales import order_table
from calve.standin.source.scene import Scene
from calve.standin.source.state import GeneratorError, GeneratorState, filled_state

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlantSummary:
    """What a planted defect changed, and the verdict that a run of the day must come to."""

    defect: str
    day: date
    expected: Expected
    rows: dict[str, int]


@dataclass(frozen=True)
class RepairSummary:
    """Which defects were undone, and the rows that were written again."""

    repaired: tuple[str, ...]
    tables: dict[str, Written]


def plant(conn: Connection[TupleRow], defect: str, *, day: date) -> PlantSummary:
    """Plant a defect on the rows of a day, in one transaction.

    Args:
        day: The newest filled day; older ones were sealed and may have been published.

    Raises:
        GeneratorError: The defect is unknown, planted already, or has nothing to go wrong; nothing was changed.
    """
    found = DEFECTS.get(defect)
    if found is None:
        msg = f"defect {defect}: unknown; `calve source defects` lists them: {', '.join(sorted(DEFECTS))}"
        raise GeneratorError(msg)
    with effect("source.plant"), conn.transaction():
        state = filled_state(conn)
        _must_be_plantable(found, day, state)
        scene = Scene(conn, defect, day, state)
        found.plant(scene)
        conn.execute(
            "insert into generator.planted (defect, day, remedy) values (%s, %s, %s)",
            [defect, day, json.dumps(scene.remedy)],
        )
    logger.info("planted a defect", extra={"defect": defect, "day": day.isoformat()})
    return PlantSummary(defect, day, found.expected, scene.rows)


def repair(conn: Connection[TupleRow]) -> RepairSummary:
    """Undo all planted defects, in one transaction. But for when they say to have changed, all rows are then clean."""
    with effect("source.repair"), conn.transaction():
        state = filled_state(conn)
        planted = conn.execute("delete from generator.planted returning defect, remedy").fetchall()
        if not planted:
            return RepairSummary((), {})
        for defect, _ in planted:
            if defect in UNDO:
                conn.execute(UNDO[defect].encode())
        until = day_number(state.until)
        world = World(state.seed, state.scale, until)
        now = datetime.combine(state.until, time(), UTC)
        tables = write_changes(conn, world.changes(until - 1, until), first=False, corrected_at=now)
        for _, remedy in planted:
            _restore(conn, world, remedy, now)
    logger.info("repaired the source", extra={"defects": [defect for defect, _ in planted]})
    return RepairSummary(tuple(sorted(defect for defect, _ in planted)), tables)


def _restore(conn: Connection[TupleRow], world: World, remedy: dict[str, list[int]], now: datetime) -> None:
    """Write clean rows of older days over those that a defect changed, and remove those that it added."""
    conn.execute("delete from public.payment where payment_id = any(%s)", [remedy.get("payments", [])])
    if orders := remedy.get("orders"):
        days = sorted({order_id // ORDERS_PER_DAY - 1 for order_id in orders})
        clean = order_table(world.placed(days), 0, world.until)
        mine = clean.filter(pc.is_in(clean["order_id"], pa.array(orders, pa.int64())))
        upsert_rows(conn, "sales_order", mine, corrected_at=now)
    if accounts := remedy.get("accounts"):
        numbers = np.array(accounts) - ACCOUNT_ID_FROM
        # As they were: an account that changes after its erasure is a breach, also when it is erased again.
        upsert_rows(conn, "account", world.accounts.table(0, world.until, numbers))


def _must_be_plantable(defect: Defect, day: date, state: GeneratorState) -> None:
    newest = state.until - timedelta(days=1)
    if day != newest:
        msg = f"defect {defect.name}: asked for {day}, the newest filled day is {newest}; plant it there"
        raise GeneratorError(msg)
    if defect.name in state.planted:
        msg = f"defect {defect.name}: planted already; run `calve source repair` first"
        raise GeneratorError(msg)
    if altered := sorted(set(state.planted) & set(UNDO)):
        msg = f"defect {defect.name}: the tables are altered ({', '.join(altered)}); plant it first, or repair them"
        raise GeneratorError(msg)
