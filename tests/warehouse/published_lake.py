"""Iceberg tables and publication records as `calve run` leaves them, made without Spark.

Every row of a table says in `made_in` which publication wrote it, so that a mix can be seen.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from calve.contract.models import Contract, Pipeline
from calve.contract.project import Project
from calve.lake import ledger
from calve.lake.catalog import open_catalog
from calve.lake.records import Connection
from calve.settings import Settings

DETAIL = 'it\'s 1 of 3 \\ "größer"\n\ttwo'
START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = {"long": pa.int64(), "string": pa.string(), "decimal(12,2)": pa.decimal128(12, 2)}
PIPELINES = {"dim_place": "reference", "fct_sale": "revenue", "agg_day": "revenue"}
VIEWS = {
    "sale_by_place": "select p.name, sum(s.amount) as amount from live.fct_sale as s "
    "inner join live.dim_place as p on s.id = p.id group by p.name",
    "both": "select max(v.amount) as amount from reporting.sale_by_place as v",
    "publication": "select p.dataset, p.publication, p.is_served, p.verified_through from live.publication as p",
    "data_quality": "select q.run_key, q.rule, q.outcome, q.publication from live.data_quality as q",
}


def contract(dataset: str, pipeline: str, **changes: Any) -> Contract:
    """Return the contract of a table with four columns."""
    names = {"id": "long", "name": "string", "amount": "decimal(12,2)", "made_in": "long"}
    declared = {
        "dataset": dataset,
        "pipeline": pipeline,
        "owner": {"team": "t", "alerts": "a"},
        "doc": "d",
        "grain": ("id",),
        "load": "snapshot",
        "columns": tuple({"name": name, "type": kind, "doc": "d"} for name, kind in names.items()),
        "audit": ({"complete": ("id",)},),
    }
    return Contract.model_validate(declared | changes)


class PublishedLake:
    """The lake, its records, and the project."""

    def __init__(self, settings: Settings, conn: Connection, folder: Path) -> None:
        self._settings, self._conn = settings, conn
        self._catalog = open_catalog(settings)
        self._catalog.create_namespace("curated")
        self._days = {"reference": 0, "revenue": 0}
        owner = {"team": "t", "alerts": "a"}
        self.project = Project(
            folder,
            {dataset: contract(dataset, pipeline) for dataset, pipeline in PIPELINES.items()},
            {},
            {
                name: Pipeline.model_validate(
                    {"pipeline": name, "doc": "d", "schedule": "0 1 * * *", "start": "2026-01-01", "owner": owner}
                )
                for name in self._days
            },
            "f" * 64,
        )
        self.views = folder / "iceberg" / "views"
        self.views.mkdir(parents=True)
        for name, body in VIEWS.items():
            self.view(name, body)

    def view(self, name: str, body: str) -> None:
        """Write or change a view's file."""
        (self.views / f"{name}.sql").write_text(f"-- Says.\ncreate or replace view reporting.{name} as\n{body};\n")

    def change(self, dataset: str, **changes: Any) -> None:
        """Declare a dataset, or declare it differently."""
        pipeline = PIPELINES.get(dataset, "revenue")
        contracts = {**self.project.contracts, dataset: contract(dataset, pipeline, **changes)}
        self.project = replace(self.project, contracts=contracts)

    def remove(self, dataset: str) -> None:
        """Take a dataset out of the project."""
        contracts = {name: each for name, each in self.project.contracts.items() if name != dataset}
        self.project = replace(self.project, contracts=contracts)

    def publish(self, pipeline: str, *, rows: int = 3, columns: tuple[str, ...] = ()) -> int:
        """Publish the next day of a pipeline: all its tables anew; return the number."""
        number = self._next_number()
        names = [name for name, each in self.project.contracts.items() if each.pipeline == pipeline]
        written = {name: self._rows(name, number, rows, columns) for name in names}
        return self.publish_tables(pipeline, written)

    def publish_tables(self, pipeline: str, written: dict[str, pa.Table]) -> int:
        """Publish the next day of a pipeline with these rows in its tables; return the number."""
        number = self._next_number()
        self._record(pipeline, number, [self._write(name, number, rows) for name, rows in written.items()], "run")
        return number

    def publish_both(self) -> tuple[int, int]:
        """Publish a day of both pipelines."""
        return self.publish("reference"), self.publish("revenue")

    def roll_back(self, pipeline: str, to: int) -> int:
        """Record that an older publication's tables are published again."""
        row = self._conn.execute("select tables from calve.publication where number = %s", (to,)).fetchone()
        number = self._next_number()
        self._record(pipeline, number, row["tables"], "rollback", parent=to)
        return number

    def judge(self, run_key: str, dataset: str, word: str, outcome: str) -> None:
        """Record the verdict of a run on a dataset, with one rule."""
        rule = {"rule": "unique(id)", "severity": "block", "outcome": outcome, "checked_rows": 3, "broken_rows": 1}
        rule |= {"allowed_rows": 0, "column": "id", "detail": DETAIL, "samples": ["7"]}
        self._conn.execute(
            "insert into calve.verdict (run_key, dataset, attempt, word, table_uuid, row_count, results, fates,"
            " touched, inputs, decided_at) values (%s, %s, 1, %s, 'u', 3, %s, '{}', '{}', '{}', %s)",
            (run_key, dataset, word, json.dumps([rule]), START),
        )

    def break_copy(self, dataset: str) -> None:
        """Lose the published copy of a table's newest metadata."""
        row = self._conn.execute("select * from calve.publication order by number desc limit 1").fetchone()
        path = next(table["copy_path"] for table in row["tables"] if table["dataset"] == dataset)
        self._catalog.load_table(f"curated.{dataset}").io.delete(f"{self._settings.warehouse}/{path}")

    def miscount(self, number: int, dataset: str) -> None:
        """Let the record say another number of rows than the table has."""
        row = self._conn.execute("select tables from calve.publication where number = %s", (number,)).fetchone()
        tables = [each | ({"row_count": 99} if each["dataset"] == dataset else {}) for each in row["tables"]]
        self._conn.execute("update calve.publication set tables = %s where number = %s", (json.dumps(tables), number))

    def make_anew(self, dataset: str) -> None:
        """Drop a table, so that the next publication makes another one of its name."""
        self._catalog.drop_table(f"curated.{dataset}")

    def _next_number(self) -> int:
        row = self._conn.execute("select coalesce(max(number), 0) + 1 as number from calve.publication").fetchone()
        return int(row["number"])

    def _rows(self, dataset: str, number: int, rows: int, columns: tuple[str, ...]) -> pa.Table:
        declared = {column.name: TYPES[column.type] for column in self.project.contracts[dataset].columns}
        schema = pa.schema(list((declared | dict.fromkeys(columns, pa.string())).items()))
        values = [
            {"id": n, "name": f"n{n}", "amount": Decimal(number), "made_in": number} | dict.fromkeys(columns, "new")
            for n in range(rows)
        ]
        return pa.Table.from_pylist(values, schema)

    def _write(self, dataset: str, number: int, rows: pa.Table) -> dict[str, Any]:
        table = self._catalog.create_table_if_not_exists(f"curated.{dataset}", rows.schema)
        with table.update_schema() as update:
            update.union_by_name(rows.schema)
        write = table.overwrite if table.current_snapshot() else table.append
        write(rows)
        table.refresh()
        copy = f"_published/curated.{dataset}/{number:05d}-{uuid.uuid4()}.metadata.json"
        with (
            table.io.new_input(table.metadata_location).open() as source,
            table.io.new_output(f"{self._settings.warehouse}/{copy}").create() as target,
        ):
            target.write(source.read())
        return {
            "dataset": dataset,
            "namespace": "curated",
            "uuid": str(table.metadata.table_uuid),
            "snapshot_id": table.current_snapshot().snapshot_id,
            "metadata_location": table.metadata_location,
            "copy_path": copy,
            "row_count": len(rows),
            "staged": True,
        }

    def _record(
        self, pipeline: str, number: int, tables: list[dict[str, Any]], kind: str, parent: int | None = None
    ) -> None:
        since = START + timedelta(days=self._days[pipeline])
        self._days[pipeline] += 1
        previous = self._conn.execute(
            "select max(number) as number from calve.publication where pipeline = %s", (pipeline,)
        ).fetchone()
        self._conn.execute(
            "insert into calve.publication (number, run_key, pipeline, since, until, scope, generation, kind, parent,"
            " epoch, digest, tables, published_at) values (%s, %s, %s, %s, %s, 'all', 0, %s, %s, 1, 'd', %s, %s)",
            (
                number,
                f"{pipeline}@{since:%Y-%m-%d}#0",
                pipeline,
                since,
                since + timedelta(days=1),
                kind,
                parent or previous["number"],
                json.dumps(tables),
                since + timedelta(days=1),
            ),
        )
        ledger.rebuild(self._conn)
