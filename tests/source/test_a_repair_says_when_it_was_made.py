"""Who landed a wrong row must find the right one: a repair tells of each row that it corrected when that was."""

from datetime import UTC, datetime, time

import psycopg
import pytest
from shop_reading import day_of

from calve.standin.source import create_schema, fill, plant, repair
from calve.standin.source.schema import PRIMARY_KEYS

DAY = 140


@pytest.fixture(scope="module")
def shop(new_database):
    """A filled shop."""
    with psycopg.connect(new_database(), autocommit=True) as conn:
        create_schema(conn)
        fill(conn, until=day_of(DAY + 1), scale=0.4)
        yield conn


@pytest.mark.parametrize(
    ("defect", "table", "wrong"),
    [
        ("negative_price", "sales_order_line", "unit_price < 0"),
        ("null_facility_many", "sales_order", "facility_id is null"),
        ("late_refund", "sales_order", "status = 'REFUNDED'"),
    ],
)
def test_a_row_that_was_corrected_says_so_and_no_other_does(shop, defect, table, wrong):
    key = "array[" + ", ".join(f"{name}::text" for name in PRIMARY_KEYS[table]) + "]"
    before = {tuple(row[0]) for row in shop.execute(f"select {key} from {table} where {wrong}")}
    clocks = dict(shop.execute(f"select {key}::text, updated_at from {table}").fetchall())
    plant(shop, defect, day=day_of(DAY))
    planted = {tuple(row[0]) for row in shop.execute(f"select {key} from {table} where {wrong}")} - before
    repair(shop)
    after = shop.execute(f"select {key}, {key}::text, updated_at from {table}").fetchall()
    moved = {tuple(row) for row, text, at in after if at != clocks[text]}
    end = datetime.combine(day_of(DAY + 1), time(), UTC)
    assert planted
    assert moved <= planted
    assert {at for row, _, at in after if tuple(row) in planted} == {end}
