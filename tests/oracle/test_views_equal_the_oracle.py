from datetime import date
from decimal import Decimal

import fakesnow
import pandas as pd
import pytest
import snowflake.connector
from lake_play import ROOT, UNTIL
from shop_oracle import expected

from calve.contract.types import snowflake_type
from calve.standin.source import HISTORY_START
from calve.warehouse.ddl import NATIVE_COLUMNS

VIEWS = ("revenue_daily", "revenue_monthly", "revenue_compare", "category_compare")
TABLES = ("dim_region", "dim_facility", "dim_category", "dim_product", "dim_date", "agg_facility_product_day")
VERIFIED = {"fct_order_line": "2026-02-03", "fct_payment": "2026-02-01", "agg_facility_product_day": "2026-02-04"}


@pytest.fixture(scope="module")
def warehouse(shop, project):
    """A database with the oracle's own curated tables, and the views deployed on them."""
    with fakesnow.patch():
        import snowflake.connector.pandas_tools as tools

        conn = snowflake.connector.connect(database="CALVE", schema="LIVE", session_parameters={"TIMEZONE": "UTC"})
        cursor = conn.cursor()
        cursor.execute("create schema if not exists reporting")
        for name, columns in NATIVE_COLUMNS.items():
            cursor.execute(f"create table live.{name} ({', '.join(' '.join(column) for column in columns)})")
        for name in TABLES:
            columns = project.contracts[name].columns
            typed = ", ".join(f"{column.name} {snowflake_type(column.type)}" for column in columns)
            cursor.execute(f"create table live.{name} ({typed})")
            frame = pd.DataFrame(expected(shop, name, HISTORY_START, UNTIL))[[column.name for column in columns]]
            # Of decimals pandas would hand on the type that fits the first few.
            frame = frame.map(lambda value: str(value) if isinstance(value, Decimal) else value)
            tools.write_pandas(conn, frame.rename(columns=str.upper), name.upper(), schema="LIVE")
        for dataset, day in VERIFIED.items():
            cursor.execute(
                "insert into live.publication (pipeline, dataset, publication, until, verified_through, is_served) "
                f"values ('revenue', '{dataset}', 7, '{UNTIL} 00:00:00+00:00', '{day}', true), "
                f"('revenue', '{dataset}', 6, '2026-02-04 00:00:00+00:00', '2026-01-01', false)"
            )
        for name in (*VIEWS, "publication", "data_quality"):
            cursor.execute((ROOT / "iceberg" / "views" / f"{name}.sql").read_text())
        yield cursor


@pytest.fixture
def read(warehouse):
    """Return a function that reads a view as rows of lower-case names."""

    def rows(view):
        found = warehouse.execute(f"select * from reporting.{view}").fetchall()
        names = [column.name.lower() for column in warehouse.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    return rows


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_what_the_definitions_say(view, read, shop):
    rows = read(view)
    names = sorted(set(rows[0]) - {"verified_through"})
    wanted = expected(shop, view, HISTORY_START, UNTIL)
    assert sorted(wanted[0]) == names
    assert as_set(rows, names) == as_set(wanted, names)
    assert len(rows) == len(as_set(rows, names))


def as_set(rows, names):
    return {tuple(row[name] for name in names) for row in rows}


@pytest.mark.parametrize("view", VIEWS)
def test_every_row_says_through_which_date_it_is_verified(view, read):
    assert {row["verified_through"] for row in read(view)} == {date(2026, 2, 1)}


def test_money_stays_exact(read):
    assert {type(row["net_revenue"]) for row in read("revenue_monthly")} == {Decimal}


def test_the_publication_that_is_served_is_marked(read):
    served = {(row["dataset"], row["publication"]) for row in read("publication") if row["is_served"]}
    assert served == {(dataset, 7) for dataset in VERIFIED}


def test_nothing_is_verified_before_every_part_is(warehouse, read):
    warehouse.execute("update live.publication set verified_through = null where dataset = 'fct_payment'")
    assert {row["verified_through"] for row in read("revenue_daily")} == {None}
