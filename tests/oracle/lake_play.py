"""Curate a shop with the transforms alone: what a run does, without lake, branches and audit."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from calve.contract.models import Contract
from calve.contract.project import Project
from calve.contract.sources import Source, SourceColumn
from calve.contract.types import spark_type

ROOT = Path(__file__).parents[2]
UNTIL = date(2026, 2, 5)
SCALE = 0.03


def landed(spark: SparkSession, conn: psycopg.Connection[Any], source: Source, folder: Path) -> DataFrame:
    """Return a source's live rows as they land; the hash of an account is its plain key here."""
    listed = ", ".join(_as_text(column) for column in source.landed)
    live = f"where not {source.deletes.soft}" if source.deletes.soft else ""
    path = folder / f"{source.source}.csv"
    statement = f"copy (select {listed} from {source.table} {live}) to stdout (format csv)"
    with path.open("wb") as file, conn.cursor().copy(statement.encode()) as copy:
        file.writelines(bytes(block) for block in copy)
    texts = spark.read.csv(str(path), schema=", ".join(f"{c.landed_name} string" for c in source.landed))
    return texts.selectExpr(
        *(f"cast({c.landed_name} as {spark_type(c.landed_type)}) as {c.landed_name}" for c in source.landed)
    ).localCheckpoint()


def curate(spark: SparkSession, conn: psycopg.Connection[Any], project: Project, folder: Path) -> dict[str, DataFrame]:
    """Return every curated dataset, computed whole."""
    found = {name: landed(spark, conn, source, folder) for name, source in project.sources.items()}
    curated: dict[str, DataFrame] = {}
    for pipeline in project.pipeline_order(list(project.pipelines)):
        for contract in project.contracts_of(pipeline):
            inputs = {name: found[name] for name in (*contract.sources, *contract.lookup)}
            inputs |= {name: curated[name] for name in (*contract.derived_from, *contract.reads)}
            if contract.derived_from:
                inputs["dates"] = all_dates(contract, curated)
            curated[contract.dataset] = transform(contract)(**inputs).drop("_source_at").localCheckpoint()
    return curated


def transform(contract: Contract, kind: str = "curate") -> Any:
    """Return a function of the dataset's transform."""
    return getattr(importlib.import_module(f"transforms.{contract.dataset}"), f"{kind}_{contract.dataset}")


def all_dates(contract: Contract, curated: dict[str, DataFrame]) -> DataFrame:
    """Return every date that the siblings of a derived dataset have."""
    column = str(contract.replace_by)
    first, *others = (curated[name].select(column) for name in contract.derived_from)
    for other in others:
        first = first.union(other)
    return first.distinct()


def values(frame: DataFrame, columns: tuple[str, ...]) -> set[tuple[object, ...]]:
    """Return the rows as Python values; instants as microseconds, which no time zone changes."""
    instants = {name for name, kind in frame.dtypes if kind == "timestamp"}
    shown = [F.unix_micros(name).alias(name) if name in instants else F.col(name) for name in columns]
    rows = [tuple(row) for row in frame.select(*shown).collect()]
    found = set(rows)
    assert len(found) == len(rows), "a row occurs twice"
    return found


def _as_text(column: SourceColumn) -> str:
    if column.type == "timestamptz":
        return f"to_char({column.name} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    return column.name
