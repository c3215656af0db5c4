"""Compute what a run changes in a dataset, and stage it on the attempt's branch; readers see nothing of it.

The unit of work is what the run touched: the rows of `touched_by` units with a landed change (`replace_by` dates
for a derived dataset, everything for a small `snapshot` one). Those are computed anew from the accepted raw
versions and compared with the base, and only partitions in which a row differs are written.

What is used more than once is checkpointed on the executors, not cached: a cached plan is printed anew inside every
plan that is built on it, which took minutes of the driver's time.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from calve.contract.models import Contract
from calve.contract.types import spark_type
from calve.errors import ContractError
from calve.spark.context import Context
from calve.spark.extract import row_hash
from calve.spark.partitions import partition_filter, partition_values
from calve.spark.quarantine import judge_rows
from calve.spark.state import matching, within
from calve.spark.tables import (
    LINEAGE,
    Base,
    Target,
    Written,
    at,
    base_of,
    curated,
    ensure_curated,
    open_branch,
    quarantine,
    write,
)

Inputs = Mapping[str, DataFrame]


@dataclass(frozen=True)
class Bases:
    """What a run builds a dataset on; everything it reads of the two tables, it reads there."""

    curated: Base
    quarantine: Base


def bases_of(context: Context, contract: Contract) -> Bases:
    """Look at the dataset's tables."""
    catalog, dataset = context.catalog, contract.dataset
    return Bases(base_of(catalog, curated(dataset)), base_of(catalog, quarantine(dataset)))


@dataclass(frozen=True)
class Touched:
    """What a run makes of a dataset, before it is written.

    Attributes:
        bases: What it was compared with.
        rows: New images of all touched rows, with `_reasons` (empty for good ones) and the lineage columns.
        differences: One row per grain key: its columns, `_fate`, and the old and the new image as structs.
        units: The touched units; None means the whole dataset.
        by: Columns of `units`.
    """

    bases: Bases
    rows: DataFrame
    differences: DataFrame
    units: DataFrame | None
    by: tuple[str, ...]


@dataclass(frozen=True)
class Staged:
    """A dataset as staged by one attempt.

    Attributes:
        base: Snapshot that the branch began at.
        snapshot: Snapshot that is to be audited and, if it passes, published.
        touched: None when nothing of the dataset could have changed.
        counts: Rows per fate at the dataset's grain.
        moved: Some row of the curated table differs from the base.
    """

    contract: Contract
    base: int
    snapshot: int
    quarantine_base: int
    quarantine_snapshot: int
    touched: Touched | None
    counts: Mapping[str, int] = field(default_factory=dict)
    moved: bool = False
    written: Written | None = None


def transform_of(contract: Contract, kind: str = "curate") -> Callable[..., DataFrame]:
    """Return the dataset's transform, `transforms/<dataset>.py:<kind>_<dataset>`."""
    name = f"{kind}_{contract.dataset}"
    try:
        found: Callable[..., DataFrame] = getattr(importlib.import_module(f"transforms.{contract.dataset}"), name)
    except (ImportError, AttributeError) as error:
        msg = f"dataset {contract.dataset}: no function {name} in spark_apps/transforms/{contract.dataset}.py ({error})"
        raise ContractError(msg) from error
    return found


def compute(
    context: Context, contract: Contract, inputs: Inputs, units: DataFrame | None, dimensions: Inputs, bases: Bases
) -> Touched:
    """Run the transform over the touched units and compare the result with the base.

    Args:
        inputs: The transform's parameters, already limited to the touched units.
        units: Distinct values of `touched_by` or `replace_by`; None means the whole dataset.
        dimensions: What `refers` rules look keys up in, by dataset.
        bases: What the result is compared with.
    """
    rows = _conform(contract, transform_of(contract)(**inputs))
    rows = rows.withColumn("_row_hash", row_hash(list(contract.column_names)))
    rows = rows.withColumn("_run_key", F.lit(context.run.key)).withColumn(
        "_ingested_at", F.lit(context.run.interval.until)
    )
    rows = judge_rows(contract, rows, dimensions, context.judged).localCheckpoint()
    by = (contract.replace_by,) if contract.replace_by else contract.touched_by
    if bases.curated.is_empty:
        return Touched(bases, rows, _all_new(contract, rows), units, by)
    base = at(context.session, curated(contract.dataset), bases.curated.snapshot_id)
    old = base if units is None else within(base, units, by)
    return Touched(bases, rows, _differences(contract, old.localCheckpoint(), rows), units, by)


def _conform(contract: Contract, frame: DataFrame) -> DataFrame:
    expected = [*contract.column_names, "_source_at"]
    if frame.columns != expected:
        msg = (
            f"dataset {contract.dataset}: the transform returns {', '.join(frame.columns)}; "
            f"the contract declares {', '.join(expected)} (in this order)"
        )
        raise ContractError(msg)
    found = dict(frame.dtypes)
    wrong = [
        f"{c.name} is {found[c.name]}, declared {c.type}"
        for c in contract.columns
        if found[c.name] != spark_type(c.type)
    ]
    if wrong:
        msg = f"dataset {contract.dataset}: the transform returns other types: {'; '.join(wrong)}; cast them there"
        raise ContractError(msg)
    return frame


def _all_new(contract: Contract, rows: DataFrame) -> DataFrame:
    """Return what `_differences` would find against an empty base, without a join."""
    images = F.struct(*contract.column_names, *LINEAGE)
    return rows.select(
        *contract.grain,
        F.when(F.lit(False), images).alias("_old"),
        images.alias("_new"),
        F.when(F.size("_reasons") > 0, "quarantined").otherwise("inserted").alias("_fate"),
    )


def _differences(contract: Contract, old: DataFrame, rows: DataFrame) -> DataFrame:
    """Pair old and new images per grain key and name each pair's fate."""
    grain = list(contract.grain)
    images = [*contract.column_names, *LINEAGE]
    before = old.select(*grain, F.struct(*images).alias("_old"))
    after = rows.select(*grain, F.struct(*images).alias("_new"), (F.size("_reasons") > 0).alias("_broken"))
    # A null in the grain can't be joined by equality; such rows are new by definition and caught by the audit.
    paired = before.join(after, on=grain, how="full")
    fate = (
        F.when(F.col("_broken"), "quarantined")
        .when(F.col("_old").isNull(), "inserted")
        .when(F.col("_new").isNull(), "deleted")
        .when(F.col("_old._row_hash") == F.col("_new._row_hash"), "unchanged")
        .otherwise("updated")
    )
    return paired.withColumn("_fate", fate).localCheckpoint()


def stage(context: Context, contract: Contract, touched: Touched | None) -> Staged:
    """Write what changed to the attempt's branch, as one snapshot with the run key in its summary.

    A run that touched nothing leaves an empty snapshot, so that a proof exists for empty days.
    """
    ensure_curated(context.session, context.catalog, contract)
    name = curated(contract.dataset)
    bases = touched.bases if touched else bases_of(context, contract)
    branch = context.run.branch(context.attempt)
    open_branch(context.session, name, branch, bases.curated.snapshot_id)
    counts, moved = _counts(touched)
    rows, replacing = _to_write(context, contract, touched, moved=moved)
    summary = _summary(context, contract)
    if touched is None:
        # What was not computed is still made of what its base is.
        summary["calve.made-of"] = bases.curated.summary.get("calve.made-of", "")
    written = write(rows, Target(context.catalog, name, branch, summary), replacing=replacing)
    return Staged(
        contract=contract,
        base=bases.curated.snapshot_id,
        snapshot=written.snapshot_id,
        quarantine_base=bases.quarantine.snapshot_id,
        quarantine_snapshot=_stage_quarantine(context, contract, touched) or bases.quarantine.snapshot_id,
        touched=touched,
        counts=counts,
        moved=moved,
        written=written,
    )


def _counts(touched: Touched | None) -> tuple[dict[str, int], bool]:
    """Return rows per fate, and whether any of them changes the curated table."""
    counts: Counter[str] = Counter()
    moved = False
    if touched is not None:
        was = F.col("_old").isNotNull().alias("was")
        for fate, was_there, number in touched.differences.groupBy("_fate", was).count().collect():
            counts[fate] += number
            moved |= fate in ("inserted", "updated", "deleted") or (fate == "quarantined" and was_there)
    return dict(counts), moved


def made_of(contract: Contract) -> str:
    """Return a digest of what a dataset is made by: its contract and its transform."""
    source = inspect.getsource(inspect.getmodule(transform_of(contract)) or transform_of(contract))
    return hashlib.sha256((contract.model_dump_json() + source).encode()).hexdigest()


def _summary(context: Context, contract: Contract) -> dict[str, str]:
    return {
        "calve.attempt": f"{context.run.key}/{context.attempt}",
        "calve.run-key": context.run.key,
        "calve.epoch": str(context.epoch),
        "calve.digest": context.digest,
        "calve.made-of": made_of(contract),
    }


def _to_write(
    context: Context, contract: Contract, touched: Touched | None, *, moved: bool
) -> tuple[DataFrame, Column | None]:
    if touched is None or not moved:
        return context.session.table(curated(contract.dataset)).limit(0), None
    table = at(context.session, curated(contract.dataset), touched.bases.curated.snapshot_id)
    gone = touched.differences.where(
        F.col("_fate").isin("updated", "deleted") | ((F.col("_fate") == "quarantined") & F.col("_old").isNotNull())
    )
    # A key that stands twice, once as it was: both are written, or the audit would see one and find it unique.
    doubled = touched.differences.where(F.col("_fate") == "unchanged").join(
        gone.select(*contract.grain), on=list(contract.grain), how="leftsemi"
    )
    fresh = touched.differences.where(F.col("_fate").isin("inserted", "updated")).unionByName(doubled).select("_new.*")
    if not contract.partition_by:
        kept = table.join(gone.select(*contract.grain), on=list(contract.grain), how="leftanti")
        return kept.unionByName(fresh), F.lit(True)
    partitions = partition_values(contract, gone.select("_old.*"))
    if not partitions:
        return fresh, None
    inside = partition_filter(contract, partitions)
    kept = table.where(inside).join(gone.select(*contract.grain), on=list(contract.grain), how="leftanti")
    return kept.unionByName(fresh), inside


def _stage_quarantine(context: Context, contract: Contract, touched: Touched | None) -> int | None:
    """Replace the touched units' broken rows by this run's; what stays broken elsewhere stays.

    Returns:
        The staged snapshot; None when there is nothing to keep.
    """
    if touched is None:
        return None
    name, base = quarantine(contract.dataset), touched.bases.quarantine
    held = at(context.session, name, base.snapshot_id)
    broken = touched.rows.where(F.size("_reasons") > 0).select(*held.columns)
    if touched.units is not None:
        broken = matching(held, touched.units, touched.by, "leftanti").unionByName(broken)
    if base.is_empty and broken.isEmpty():
        return None
    branch = context.run.branch(context.attempt)
    open_branch(context.session, name, branch, base.snapshot_id)
    target = Target(context.catalog, name, branch, _summary(context, contract))
    return write(broken, target, replacing=F.lit(True)).snapshot_id
