"""Create the lake's tables from contracts and sources, and write to them under the run's name.

Every write carries the run key in its snapshot's summary. Readers' refs are never written here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from calve.contract.models import Contract
from calve.contract.sources import Source
from calve.contract.types import spark_type
from calve.effects import effect
from calve.errors import ContractError

RAW_COLUMNS = {"_op": "string", "_landing_id": "string", "_run_key": "string", "_landed_seq": "bigint"}
LINEAGE = {
    "_run_key": "string",
    "_source_at": "timestamp",
    "_ingested_at": "timestamp",
    "_row_hash": "string",
}
_PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.metrics.default": "full",
    "write.delete.mode": "copy-on-write",
    "write.distribution-mode": "hash",
    # Clean-up is calve's: Iceberg's would delete metadata that a publication still points to.
    "write.metadata.delete-after-commit.enabled": "false",
    "commit.retry.num-retries": "4",
}


@dataclass(frozen=True)
class Written:
    """What a write did, from the snapshot's own summary."""

    snapshot_id: int
    summary: Mapping[str, str]

    def count(self, name: str) -> int:
        """Return a number of the summary, 0 when absent."""
        return int(self.summary.get(name, "0"))


def curated(dataset: str) -> str:
    """Return the curated table's name."""
    return f"curated.{dataset}"


def quarantine(dataset: str) -> str:
    """Return the name of the table of rows that broke a row rule."""
    return f"quarantine.{dataset}"


def raw(source: str) -> str:
    """Return the name of the table of landed rows."""
    return f"raw.{source}"


def ensure_raw(session: SparkSession, source: Source) -> None:
    """Create the source's landing table when it is missing."""
    columns = {c.landed_name: spark_type(c.landed_type) for c in source.landed}
    _ensure(session, raw(source.source), columns | {"_row_hash": "string"} | RAW_COLUMNS)


def ensure_curated(session: SparkSession, contract: Contract) -> None:
    """Create the dataset's table and its quarantine when missing; each starts with an empty snapshot.

    Raises:
        ContractError: The table has other columns than the contract; nothing was changed.
    """
    columns = {c.name: spark_type(c.type) for c in contract.columns}
    transforms = [f"{t.replace('(', 's(')}" if "(" in t else t for t in contract.partition_by]
    _ensure(
        session,
        curated(contract.dataset),
        columns | LINEAGE,
        partitions=", ".join(transforms),
        order=", ".join((*contract.partition_columns, *contract.sort_by)) if contract.partition_by else "",
    )
    _ensure(session, quarantine(contract.dataset), columns | LINEAGE | {"_reasons": "array<string>"})


def _ensure(
    session: SparkSession, table: str, columns: Mapping[str, str], *, partitions: str = "", order: str = ""
) -> None:
    namespace = table.partition(".")[0]
    if not session.catalog.tableExists(table):
        listed = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
        properties = ", ".join(f"'{key}'='{value}'" for key, value in _PROPERTIES.items())
        partitioned = f"partitioned by ({partitions})" if partitions else ""
        with effect("table.create"):
            session.sql(f"create namespace if not exists {namespace}")
            session.sql(
                f"create table if not exists {table} ({listed}) using iceberg {partitioned} "
                f"tblproperties ({properties})"
            )
    _check_columns(session, table, columns)
    if session.sql(f"select 1 from {table}.refs where name = 'main'").first() is None:
        with effect("table.begin"):
            if order:
                session.sql(f"alter table {table} write distributed by partition locally ordered by {order}")
            session.table(table).limit(0).writeTo(table).append()


def _check_columns(session: SparkSession, table: str, columns: Mapping[str, str]) -> None:
    found = {field.name: field.dataType.simpleString() for field in session.table(table).schema.fields}
    expected = dict(columns)
    if any(found.get(name) != kind for name, kind in expected.items()) or len(found) != len(expected):
        missing = [f"{name} {kind}" for name, kind in expected.items() if name not in found]
        other = [f"{n} is {found[n]}, declared {k}" for n, k in expected.items() if n in found and found[n] != k]
        extra = sorted(set(found) - set(expected))
        parts = (
            f"declared but absent: {', '.join(missing)}" if missing else "",
            "; ".join(other),
            f"present but not declared: {', '.join(extra)}" if extra else "",
        )
        what = "; ".join(filter(None, parts))
        msg = f"table {table}: {what}. Widen the table first, or give the changed dataset a new name"
        raise ContractError(msg)


def main_snapshot(session: SparkSession, table: str) -> int:
    """Return the snapshot that readers of the table's `main` see."""
    row = session.sql(f"select snapshot_id from {table}.refs where name = 'main'").first()
    if row is None:
        msg = f"table {table}: has no main; it was never begun"
        raise ContractError(msg)
    return int(row[0])


def at(session: SparkSession, table: str, snapshot_id: int) -> DataFrame:
    """Read the table at one snapshot, whatever its refs say."""
    return session.read.option("snapshot-id", snapshot_id).table(table)


def open_branch(session: SparkSession, table: str, branch: str, base: int) -> None:
    """Create the attempt's branch at the base snapshot; a name is never used twice."""
    with effect("stage.branch"):
        session.sql(f"alter table {table} create branch `{branch}` as of version {base}")


def write(
    rows: DataFrame,
    table: str,
    *,
    branch: str | None,
    summary: Mapping[str, str],
    replacing: Column | None = None,
) -> Written:
    """Append rows, or replace those that the filter covers whole files of, as one snapshot.

    Args:
        rows: In the table's columns.
        branch: None writes to `main`, which only raw tables take.
        summary: Goes into the snapshot's summary.
        replacing: None appends.
    """
    target = f"{table}.branch_{branch}" if branch else table
    columns = [F.col(name) for name in rows.sparkSession.table(table).columns]
    writer = rows.select(*columns).writeTo(target)
    for key, value in summary.items():
        writer = writer.option(f"snapshot-property.{key}", value)
    with effect("stage.write" if branch else "land.write"):
        if replacing is None:
            writer.append()
        else:
            writer.overwrite(replacing)
    return _written(rows.sparkSession, table, summary)


def _written(session: SparkSession, table: str, summary: Mapping[str, str]) -> Written:
    """Find the snapshot by what its summary carries, never by a ref's head."""
    key, value = next(iter(summary.items()))
    found = session.sql(
        f"select snapshot_id, summary from {table}.snapshots where summary['{key}'] = '{value}'"
    ).collect()
    if len(found) != 1:
        msg = f"table {table}: {len(found)} snapshots carry {key}={value}, expected 1; run again"
        raise ContractError(msg)
    return Written(int(found[0][0]), dict(found[0][1]))


def summary_json(value: object) -> str:
    """Return a value in the form that snapshot summaries hold."""
    return json.dumps(value, default=str, sort_keys=True)
