"""Defects that make rows of the day wrong: one function each, called in the transaction that plants it."""

from __future__ import annotations

from calve.standin.source.accounts import ACCOUNT_ID_FROM, Accounts
from calve.standin.source.clock import day_number
from calve.standin.source.geography import FACILITIES
from calve.standin.source.orders import ORDERS_PER_DAY
from calve.standin.source.scene import Scene

HANDFUL = 3
MANY_AT_LEAST = 12
"""Above any budget that is counted in rows, so that `many` is too many at a small scale, too."""
UNKNOWN_PRODUCT = 999_001
LATE_REFUND_DAYS = 120
_BY_KEY = "where order_id * 100 + line_no = any(%(keys)s) and order_id = any(%(orders)s)"


def null_facility_few(scene: Scene) -> None:
    """Take the facility from two orders of one line."""
    _without_facility(scene, scene.fresh_orders(2, where="lines = 1"))


def null_facility_many(scene: Scene) -> None:
    """Take the facility from 5 % of the day's orders."""
    _without_facility(scene, scene.fresh_orders(max(MANY_AT_LEAST, scene.day_count("sales_order") * 5 // 100)))


def negative_price(scene: Scene) -> None:
    """Turn the price of a few lines negative."""
    _set_lines(scene, scene.fresh_lines(HANDFUL), "unit_price = -unit_price, net_amount = -qty * unit_price - discount")


def currency_x100(scene: Scene) -> None:
    """Write the amounts of a few lines in cents where the main unit is meant."""
    amounts = "unit_price = unit_price * 100, discount = discount * 100, net_amount = net_amount * 100"
    _set_lines(scene, scene.fresh_lines(HANDFUL), amounts)


def orphan_product(scene: Scene) -> None:
    """Point a few lines to a product that doesn't exist."""
    _set_lines(scene, scene.fresh_lines(HANDFUL), f"product_id = {UNKNOWN_PRODUCT}")


def orphan_product_many(scene: Scene) -> None:
    """Point 3 % of the day's lines to products that don't exist."""
    keys = scene.fresh_lines(max(MANY_AT_LEAST, scene.day_count("sales_order_line") * 3 // 100))
    _set_lines(scene, keys, f"product_id = {UNKNOWN_PRODUCT} + line_no")


def future_event(scene: Scene) -> None:
    """Move two orders of one line three days beyond the day."""
    orders = scene.fresh_orders(2, where="lines = 1")
    for table in ("sales_order", "sales_order_line"):
        statement = f"update public.{table} set ordered_at = ordered_at + interval '3 days' where order_id = any(%(o)s)"
        scene.change(table, statement, o=orders)


def closed_facility_sale(scene: Scene) -> None:
    """Move two orders of one line to a facility that was closed long before, of the same currency."""
    day = day_number(scene.day)
    closed = next((facility for facility in FACILITIES if facility.closed < day), None)
    if closed is None:
        scene.fail("facility that closed before")
    same = "lines = 1 and currency = %(currency)s and (ordered_at at time zone %(zone)s)::date = %(day)s"
    orders = scene.fresh_orders(2, where=same, currency=closed.currency, zone=closed.timezone)
    statement = "update public.sales_order set facility_id = %(facility)s where order_id = any(%(o)s)"
    scene.change("sales_order", statement, o=orders, facility=closed.facility_id)


def price_shift(scene: Scene) -> None:
    """Triple the price of the day's most sold product, in every one of its lines of that local date."""
    keys = scene.fresh_lines(1_000_000)
    (product,) = scene.one(
        "select product_id from public.sales_order_line where order_id * 100 + line_no = any(%(keys)s)"
        " and order_id = any(%(orders)s) group by product_id order by count(*) desc, product_id limit 1",
        "line",
        **_keys(keys),
    )
    amounts = "unit_price = unit_price * 3, discount = discount * 3, tax = tax * 3, net_amount = net_amount * 3"
    _set_lines(scene, keys, amounts, only=f"product_id = {int(product)}")


def late_refund(scene: Scene) -> None:
    """Refund an order 120 days after it was placed: later than orders change, and yet right."""
    first = (day_number(scene.day) - LATE_REFUND_DAYS + 1) * ORDERS_PER_DAY
    (order_id,) = scene.one(
        "select order_id from public.sales_order where order_id >= %(first)s and order_id < %(last)s"
        " and status = 'PAID' order by md5(order_id::text) limit 1",
        f"paid order that is {LATE_REFUND_DAYS} days old",
        first=first,
        last=first + ORDERS_PER_DAY,
    )
    at = "%(day)s::date::timestamp at time zone 'UTC' + interval '10 hours'"
    scene.change(
        "payment",
        "insert into public.payment (payment_id, order_id, type, amount, settled_at, processor_ref, created_at)"
        f" select order_id * 10 + 2, order_id, 'REFUND', total_amount, {at}, 'CANARY' || md5(order_id::text), {at}"
        " from public.sales_order where order_id = %(order)s",
        order=order_id,
    )
    change = f"update public.sales_order set status = 'REFUNDED', updated_at = {at} where order_id = %(order)s"
    scene.change("sales_order", change, order=order_id)
    scene.remedy.update(orders=[order_id], payments=[order_id * 10 + 2])


def erased_account_reappears(scene: Scene) -> None:
    """Write the personal data of an erased account back, as a restored backup would."""
    (account_id,) = scene.one(
        "select account_id from public.account where erased_at < %(day)s::date::timestamp at time zone 'UTC'"
        " order by md5(account_id::text) limit 1",
        "account that was erased before",
    )
    state = scene.state
    accounts = Accounts(state.seed, state.scale, day_number(state.until))
    full_name, email, phone = accounts.names(account_id - ACCOUNT_ID_FROM)
    scene.change(
        "account",
        "update public.account set full_name = %(name)s, email = %(email)s, phone = %(phone)s,"
        " birth_date = '1910-05-05', updated_at = %(day)s::date::timestamp at time zone 'UTC' + interval '11 hours'"
        " where account_id = %(account)s",
        name=full_name,
        email=email,
        phone=phone,
        account=account_id,
    )
    scene.remedy["accounts"] = [account_id]


def _without_facility(scene: Scene, orders: list[int]) -> None:
    statement = "update public.sales_order set facility_id = null where order_id = any(%(orders)s)"
    scene.change("sales_order", statement, orders=orders)


def _set_lines(scene: Scene, keys: list[int], assignments: str, *, only: str = "true") -> None:
    statement = f"update public.sales_order_line set {assignments} {_BY_KEY} and {only}"
    scene.change("sales_order_line", statement, **_keys(keys))


def _keys(keys: list[int]) -> dict[str, list[int]]:
    return {"keys": keys, "orders": sorted({key // 100 for key in keys})}
