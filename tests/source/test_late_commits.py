"""A few changes commit late: written before midnight, visible only when the source is filled to a later day."""

import numpy as np
import pytest
from shop_reading import day_of

from calve.standin.source import fill
from calve.standin.source.changes import World
from calve.standin.source.clock import DAY_MS, MINUTE_MS, NEVER

DAYS = range(30, 36)


@pytest.fixture(scope="module")
def appeared(new_database):
    """Per table, the changes that each of some days added, as (day filled, instant of the change)."""
    import psycopg

    from calve.standin.source import create_schema

    found = {"sales_order": [], "sales_order_line": [], "payment": []}
    with psycopg.connect(new_database(), autocommit=True) as conn:
        create_schema(conn)
        fill(conn, until=day_of(DAYS[0]), scale=2)
        known = {table: set(changes(conn, table)) for table in found}
        for day in DAYS:
            fill(conn, until=day_of(day + 1), scale=2)
            for table in found:
                now = set(changes(conn, table))
                found[table] += [(day, at) for _, at in now - known[table]]
                known[table] = now
    return found


def changes(conn, table):
    instant = "created_at" if table == "payment" else "updated_at"
    key = {"sales_order": "order_id", "sales_order_line": "order_id * 100 + line_no", "payment": "payment_id"}[table]
    return conn.execute(f"select {key}, {instant} at time zone 'UTC' from {table}").fetchall()


@pytest.mark.parametrize("table", ["sales_order", "sales_order_line", "payment"])
def test_two_in_a_thousand_appear_the_day_after_from_the_last_half_hour(appeared, table):
    late = [(day, at) for day, at in appeared[table] if at.date() != day_of(day)]
    assert 0.0008 < len(late) / len(appeared[table]) < 0.004
    assert {at.date() == day_of(day - 1) and (at.hour, at.minute) >= (23, 30) for day, at in late} == {True}


@pytest.fixture(scope="module")
def lifecycles():
    """The orders of thirty days of a big shop, with all that ever happens to them."""
    return World(7, 60.0, 30).placed(range(30))


@pytest.mark.parametrize(
    ("part", "at", "visible"),
    [
        pytest.param("orders", "at", "visible", id="an order"),
        pytest.param("orders", "paid_at", "paid_visible", id="a payment that waited"),
        pytest.param("orders", "reversed_at", "reversed_visible", id="a refund"),
        pytest.param("lines", "soft_at", "soft_visible", id="a soft delete"),
        pytest.param("lines", "hard_at", "hard_visible", id="a hard delete"),
    ],
)
def test_every_kind_of_change_commits_late_now_and_then(lifecycles, part, at, visible):
    columns = getattr(lifecycles, part)
    happens = columns[visible] < NEVER
    if at == "paid_at":
        happens &= columns["paid_at"] > columns["at"]
    instant, seen = columns[at][happens], columns[visible][happens]
    late = seen > instant // DAY_MS
    assert 0.0005 < late.mean() < 0.005
    assert set((seen - instant // DAY_MS).tolist()) == {0, 1}
    assert np.all(instant[late] % DAY_MS >= DAY_MS - 30 * MINUTE_MS)
