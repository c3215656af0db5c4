"""A few changes commit late: written before midnight, visible only when the source is filled to a later day."""

import pytest
from shop_reading import day_of

from calve.standin.source import fill

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
