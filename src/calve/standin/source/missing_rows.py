"""Defects that take rows of the day away, and those of the control totals."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from calve.standin.source.changes import REMEMBERED_DAYS, World
from calve.standin.source.clock import day_number
from calve.standin.source.loading import insert_rows
from calve.standin.source.sales import line_table, order_table
from calve.standin.source.scene import Scene
from calve.standin.source.sealing import CLOSED_AFTER

DROPPED_PERCENT = 40
_OF_THE_DAY = (
    "ordered_at >= %(day)s::date::timestamp at time zone 'UTC'"
    " and ordered_at < (%(day)s::date + 1)::timestamp at time zone 'UTC'"
)


def facility_day_missing(scene: Scene) -> None:
    """Remove the day's orders of the facility with the most of them; control totals know nothing of it."""
    (facility_id,) = scene.one(
        f"select facility_id from public.sales_order where {_OF_THE_DAY} group by facility_id"
        " order by count(*) desc, facility_id limit 1",
        "order of that day",
    )
    _remove_orders(scene, f"{_OF_THE_DAY} and facility_id = {int(facility_id)}")


def volume_drop(scene: Scene) -> None:
    """Remove 40 % of the day's orders, evenly; control totals know nothing of it."""
    chosen = (
        "order_id in (select order_id from"
        " (select order_id, row_number() over (order by facility_id, order_id) as place"
        f" from public.sales_order where {_OF_THE_DAY}) as numbered where place %% 100 * 61 %% 100 < {DROPPED_PERCENT})"
    )
    _remove_orders(scene, chosen)


def stale_feed(scene: Scene) -> None:
    """Set orders, lines, payments and control totals back to the end of the day before."""
    day, state = day_number(scene.day), scene.state
    world = World(state.seed, state.scale, day + 1)
    changes = world.changes(day, day + 1)
    placed = world.placed(range(max(0, day - REMEMBERED_DAYS), day))
    touched = {*changes.rows["sales_order"]["order_id"].to_pylist()}  # type: ignore[call-overload]  # Arrow tables
    touched |= {*changes.rows["sales_order_line"]["order_id"].to_pylist()}  # type: ignore[call-overload]
    touched |= {order_id for order_id, _ in changes.gone_lines}
    for table, before in (("sales_order", order_table), ("sales_order_line", line_table)):
        scene.change(table, f"delete from public.{table} where order_id = any(%(orders)s)", orders=sorted(touched))
        if placed.orders:
            insert_rows(scene.conn, table, _only(before(placed, 0, day), touched))
    payments = changes.rows["payment"]["payment_id"].to_pylist()  # type: ignore[call-overload]
    scene.change("payment", "delete from public.payment where payment_id = any(%(ids)s)", ids=payments)
    sealed = "delete from public.control_total where sealed_at >= %(day)s::date::timestamp at time zone 'UTC'"
    scene.change("control_total", sealed)


def control_total_row(scene: Scene) -> None:
    """Let the control total of a date that was closed on the day count one row too many."""
    _misstate(scene, "row_count = row_count + 1")


def control_total_cent(scene: Scene) -> None:
    """Let the control total of a date that was closed on the day be a cent too high."""
    _misstate(scene, "sum_amount = sum_amount + 0.01")


def _misstate(scene: Scene, assignment: str) -> None:
    (facility_id,) = scene.one(
        "select facility_id from public.control_total where business_date = %(day)s::date - %(closed)s::int"
        " and table_name = 'sales_order_line' and is_closed order by row_count desc, facility_id limit 1",
        "date that was closed on that day",
        closed=CLOSED_AFTER,
    )
    scene.change(
        "control_total",
        f"update public.control_total set {assignment} where business_date = %(day)s::date - %(closed)s::int"
        " and table_name = 'sales_order_line' and facility_id = %(facility)s and version = (select max(version)"
        " from public.control_total where business_date = %(day)s::date - %(closed)s::int"
        " and table_name = 'sales_order_line' and facility_id = %(facility)s)",
        closed=CLOSED_AFTER,
        facility=facility_id,
    )


def _remove_orders(scene: Scene, where: str) -> None:
    found = scene.conn.execute(
        f"select order_id from public.sales_order where {where}".encode(), {"day": scene.day}
    ).fetchall()
    if not found:
        scene.fail("order of that day")
    orders = [order_id for (order_id,) in found]
    for table in ("payment", "sales_order_line", "sales_order"):
        scene.change(table, f"delete from public.{table} where order_id = any(%(orders)s)", orders=orders)


def _only(rows: pa.Table, orders: set[int]) -> pa.Table:
    return rows.filter(pc.is_in(rows["order_id"], pa.array(sorted(orders), pa.int64())))
