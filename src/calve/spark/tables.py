"""Create the lake's tables from contracts and sources, and write to them under the run's name.

Every write carries the run key in its snapshot's summary. Readers' refs are never written here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from calve.contract.models import Contract
from calve.contract.sources import Source
from calve.contract.types import spark_type
from calve.effects import effect
from calve.errors import ContractError, LakeUnavailableError
from calve.lake.catalog import columns_of, main_head, snapshots_with, table_state

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
_CREATING = threading.Lock()


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


def ensure_raw(session: SparkSession, catalog: Any, source: Source) -> None:
    """Create the source's landing table when it is missing."""
    columns = {c.landed_name: spark_type(c.landed_type) for c in source.landed}
    _ensure(session, catalog, raw(source.source), columns | {"_row_hash": "string"} | RAW_COLUMNS)


def ensure_curated(session: SparkSession, catalog: Any, contract: Contract) -> None:
    """Create the dataset's table and its quarantine when missing; each starts with an empty snapshot.

    Raises:
        ContractError: The table has other columns than the contract; nothing was changed.
    """
    columns = {c.name: spark_type(c.type) for c in contract.columns}
    partitions = ", ".join(t.replace("(", "s(") for t in contract.partition_by)
    order = ", ".join((*contract.partition_columns, *contract.sort_by)) if contract.partition_by else ""
    _ensure(session, catalog, curated(contract.dataset), columns | LINEAGE, partitions=partitions, order=order)
    _ensure(session, catalog, quarantine(contract.dataset), columns | LINEAGE | {"_reasons": "array<string>"})


def _ensure(
    session: SparkSession,
    catalog: Any,
    table: str,
    columns: Mapping[str, str],
    *,
    partitions: str = "",
    order: str = "",
) -> None:
    found = columns_of(catalog, table)
    if found is None:
        listed = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
        properties = ", ".join(f"'{key}'='{value}'" for key, value in _PROPERTIES.items())
        partitioned = f"partitioned by ({partitions})" if partitions else ""
        # A namespace that two create at once is one that neither gets.
        with effect("lake.create"), _CREATING:
            session.sql(f"create namespace if not exists {table.partition('.')[0]}")
            session.sql(
                f"create table if not exists {table} ({listed}) using iceberg {partitioned} "
                f"tblproperties ({properties})"
            )
    else:
        _check_columns(table, found, {name: _iceberg_type(kind) for name, kind in columns.items()})
    if table_state(catalog, table).main_snapshot_id is None:
        with effect("lake.begin"):
            if order:
                session.sql(f"alter table {table} write distributed by partition locally ordered by {order}")
            session.table(table).limit(0).writeTo(table).append()


def _iceberg_type(kind: str) -> str:
    if kind == "array<string>":
        return "list<string>"
    return {"bigint": "long", "timestamp": "timestamptz"}.get(kind, kind.replace(",", ", "))


def _check_columns(table: str, found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    if dict(found) == dict(expected):
        return
    missing = [f"{name} {kind}" for name, kind in expected.items() if name not in found]
    other = [f"{n} is {found[n]}, declared {k}" for n, k in expected.items() if n in found and found[n] != k]
    extra = sorted(set(found) - set(expected))
    parts = (
        f"declared but absent: {', '.join(missing)}" if missing else "",
        "; ".join(other),
        f"present but not declared: {', '.join(extra)}" if extra else "",
    )
    what = "; ".join(filter(None, parts)) or f"its columns are in another order: {', '.join(found)}"
    msg = f"table {table}: {what}. Widen the table first, or give the changed dataset a new name"
    raise ContractError(msg)


@dataclass(frozen=True)
class Base:
    """What a run builds on: `main` of a table, looked at once."""

    snapshot_id: int
    summary: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Tell whether it holds no row."""
        return self.summary.get("total-records", "0") == "0"


def base_of(catalog: Any, table: str) -> Base:
    """Return what readers of the table's `main` see now."""
    snapshot_id, summary = main_head(catalog, table)
    if snapshot_id is None:
        msg = f"table {table}: has no main, expected the snapshot that it began with; run again"
        raise LakeUnavailableError(msg)
    return Base(snapshot_id, summary)


def at(session: SparkSession, table: str, snapshot_id: int) -> DataFrame:
    """Read the table at one snapshot, whatever its refs say."""
    return session.read.option("snapshot-id", snapshot_id).table(table)


def open_branch(session: SparkSession, table: str, branch: str, base: int) -> None:
    """Create the attempt's branch at the base snapshot; a name is never used twice."""
    with effect("stage.branch"):
        session.sql(f"alter table {table} create branch `{branch}` as of version {base}")


@dataclass(frozen=True)
class Target:
    """Where a write goes.

    Attributes:
        branch: None is `main`, which only raw tables take.
        summary: Goes into the snapshot's summary; its first entry names exactly this write.
    """

    catalog: Any
    table: str
    branch: str | None
    summary: Mapping[str, str]


def write(rows: DataFrame, target: Target, *, replacing: Column | None = None) -> Written:
    """Append rows, or replace those that the filter covers whole files of, as one snapshot.

    Args:
        rows: In the table's columns.
        replacing: None appends.
    """
    name = f"{target.table}.branch_{target.branch}" if target.branch else target.table
    columns = columns_of(target.catalog, target.table) or {}
    writer = rows.select(*(F.col(column) for column in columns)).writeTo(name)
    for key, value in target.summary.items():
        writer = writer.option(f"snapshot-property.{key}", value)
    with effect("stage.write" if target.branch else "land.write"):
        if replacing is None:
            writer.append()
        else:
            writer.overwrite(replacing)
    # By what its summary carries, never by a ref's head: somebody else may have committed since.
    key, value = next(iter(target.summary.items()))
    found = snapshots_with(target.catalog, target.table, key, value)
    if len(found) != 1:
        msg = f"table {target.table}: {len(found)} snapshots carry {key}={value}, expected 1; run again"
        raise LakeUnavailableError(msg)
    return Written(*found[0])


def summary_json(value: object) -> str:
    """Return a value in the form that snapshot summaries hold."""
    return json.dumps(value, default=str, sort_keys=True)
