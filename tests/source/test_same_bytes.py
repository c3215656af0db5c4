"""The same seed, scale and day give the same bytes, whichever steps led there."""

import pytest
from shop_reading import contents, day_of

from calve.standin.source import create_schema, fill


def test_day_by_day_equals_at_once(filled):
    at_once = contents(filled(160))
    by_days = contents(filled(1, 2, 3, 40, *range(118, 161)))
    assert {table for table in at_once if at_once[table] != by_days[table]} == set()


def test_a_long_step_over_old_history_equals_at_once(filled):
    assert contents(filled(130, 290)) == contents(filled(290))


def test_filling_again_to_the_same_day_changes_nothing(filled):
    shop = filled(60)
    before = contents(shop)
    summary = fill(shop, until=day_of(60), scale=0.02)
    assert {written for table in summary.tables.values() for written in (table.inserted, table.updated)} == {0}
    assert contents(shop) == before


@pytest.mark.parametrize("table", ["account", "sales_order", "sales_order_line", "payment", "control_total"])
def test_another_seed_gives_other_rows(filled, shop, table):
    fill(shop, until=day_of(30), seed=8, scale=0.02)
    assert contents(shop)[table] != contents(filled(30))[table]


def test_creating_the_schema_again_keeps_the_rows(filled):
    shop = filled(30)
    before = contents(shop)
    create_schema(shop)
    assert contents(shop) == before


def test_a_step_says_how_many_rows_it_changed(filled):
    shop = filled(100)
    before = {table: rows.count(b"\n") for table, rows in contents(shop).items()}
    summary = fill(shop, until=day_of(120), scale=0.02)
    after = {table: rows.count(b"\n") for table, rows in contents(shop).items()}
    grown = {table: written.inserted - written.deleted for table, written in summary.tables.items()}
    assert grown == {table: after[table] - before[table] for table in after}
    assert summary.tables["sales_order"].updated > 0
