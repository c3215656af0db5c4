"""Every view of iceberg/views runs on the tables that its contracts promise, and every native column is there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from calve.contract.loader import load_project
from calve.warehouse.ddl import expected_columns
from calve.warehouse.expose import expose
from calve.warehouse.names import identifier
from calve.warehouse.views import read_views

ROOT = Path(__file__).parents[2]
ARROW = {
    "boolean": (pa.bool_(), True),
    "int": (pa.int32(), 1),
    "long": (pa.int64(), 1),
    "double": (pa.float64(), 1.0),
    "string": (pa.string(), "x"),
    "date": (pa.date32(), date(2026, 1, 1)),
    "timestamptz": (pa.timestamp("us", "UTC"), datetime(2026, 1, 1, tzinfo=UTC)),
}
SYSTEM = {"_run_key": "string", "_source_at": "timestamptz", "_ingested_at": "timestamptz", "_row_hash": "string"}


def one_row(contract) -> pa.Table:
    kinds = {column.name: column.type for column in contract.columns} | SYSTEM
    decimals = {kind: pa.decimal128(*map(int, kind[8:-1].split(","))) for kind in kinds.values() if "(" in kind}
    arrow = ARROW | {kind: (found, Decimal(1)) for kind, found in decimals.items()}
    schema = pa.schema([(name, arrow[kind][0]) for name, kind in kinds.items()])
    return pa.Table.from_pylist([{name: arrow[kind][1] for name, kind in kinds.items()}], schema)


def test_all_views_answer_and_all_columns_have_the_types_of_the_contracts(settings, conn, lake, snowflake):
    lake.project = project = load_project(ROOT)
    for pipeline in project.pipeline_order():
        lake.publish_tables(pipeline, {each.dataset: one_row(each) for each in project.contracts_of(pipeline)})
    done = expose(settings, conn, project)
    views = [view.name for view in read_views(ROOT / "iceberg" / "views")]
    assert sorted(done.views) == sorted(views)
    for view in views:
        snowflake.sql(f"select * from {{db}}.reporting.{view}", f"{snowflake.names.database}_REPORTING")
    for dataset, contract in project.contracts.items():
        shown = {row[0]: row[1] for row in snowflake.sql(f"describe table {{db}}.live.{identifier(dataset)}")}
        assert shown == expected_columns(contract)
    assert snowflake.sql("select max(net_revenue) from {db}.reporting.revenue_daily") == [(Decimal(1),)]
