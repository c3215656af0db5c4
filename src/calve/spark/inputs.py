"""Resolve what a transform reads, limited to what the run touched.

A transform sees, under the names that its contract lists: sources at their latest accepted live state, siblings as this
run staged them, and datasets of other pipelines exactly as pinned at the run's start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from calve.contract.models import Contract
from calve.contract.project import Project
from calve.contract.rules import Refers
from calve.errors import ContractError
from calve.lake.landings import Landing, accepted_landings
from calve.lake.publication import Pinned
from calve.spark.context import Context
from calve.spark.curate import Bases, Staged, Touched, bases_of, compute, made_of, transform_of
from calve.spark.state import Accepted, live_rows, versions, within
from calve.spark.tables import Base, at, curated, quarantine


@dataclass(frozen=True)
class World:
    """What one run of a pipeline stands on.

    Attributes:
        contracts: Those of the pipeline, siblings before what is derived from them.
        landings: This run's landing of each source.
        pins: Published snapshots of the datasets of needed pipelines, by table name.
    """

    project: Project
    contracts: tuple[Contract, ...]
    landings: Mapping[str, Landing]
    pins: Mapping[str, Pinned]


def touch(context: Context, world: World, contract: Contract, staged: Mapping[str, Staged]) -> Touched | None:
    """Compute the rows that the run changes in a dataset; None when nothing can have changed, or none may."""
    dimensions = dimensions_of(context, world, contract, staged)
    bases = bases_of(context, contract)
    if contract.derived_from:
        return _touch_derived(context, contract, staged, dimensions, bases)
    if context.passes_over(contract.dataset):
        return None
    anew = is_made_anew(context, contract, bases.curated)
    nothing_landed = all(world.landings[name].rows == 0 for name in contract.sources)
    if nothing_landed and bases.quarantine.is_empty and not anew:
        return None
    units = None if anew or contract.load == "snapshot" else _units(context, world, contract, bases.quarantine)
    inputs = {name: _source(context, world, contract, name, units) for name in (*contract.sources, *contract.lookup)}
    inputs |= {name: _dataset(context, world, name, staged) for name in contract.reads}
    return compute(context, contract, inputs, units, dimensions, bases)


def is_made_anew(context: Context, contract: Contract, base: Base) -> bool:
    """Tell whether the whole dataset is computed.

    So it is when that is asked for, its first time, after its contract or transform changed, and when its base is
    not what the newest publication made of it: an image that did not know the dataset ran, or a rollback left it out.
    """
    published = context.published.table(curated(contract.dataset)) if context.published else None
    is_current = published is not None and published.staged and published.snapshot_id == base.snapshot_id
    is_as_made = base.summary.get("calve.made-of") == made_of(contract)
    return context.makes_anew(contract.dataset) or not is_current or not is_as_made


def accepted_of(context: Context, world: World, source: str) -> Accepted:
    """Return which landings of the source this run may read."""
    return Accepted(tuple(accepted_landings(context.records, source)), world.landings[source].landing_id)


def _units(context: Context, world: World, contract: Contract, waiting: Base) -> DataFrame:
    """Return the touched units: those with a row that landed in this run, and those that wait in quarantine.

    What was broken may have become whole without landing again: a dimension came late, a day is over.
    """
    held = at(context.session, quarantine(contract.dataset), waiting.snapshot_id)
    parts = [] if waiting.is_empty else [held.select(*contract.touched_by)]
    for name in contract.sources:
        own = Accepted((), world.landings[name].landing_id)
        parts.append(versions(context.session, world.project.sources[name], own).select(*contract.touched_by))
    return reduce(DataFrame.unionByName, parts).distinct().localCheckpoint()


def _source(context: Context, world: World, contract: Contract, name: str, units: DataFrame | None) -> DataFrame:
    source, accepted = world.project.sources[name], accepted_of(context, world, name)
    frame = versions(context.session, source, accepted)
    if units is not None:
        frame = within(frame, units, contract.touched_by)
    return live_rows(frame, source)


def _dataset(context: Context, world: World, name: str, staged: Mapping[str, Staged]) -> DataFrame:
    if name in staged:
        snapshot = staged[name].snapshot
    elif curated(name) in world.pins:
        snapshot = world.pins[curated(name)].snapshot_id
    else:
        pipeline = world.project.contracts[name].pipeline
        msg = f"dataset {name} was never published; publish its pipeline first: calve run {pipeline}"
        raise ContractError(msg)
    return at(context.session, curated(name), snapshot).select(*world.project.contracts[name].column_names)


def dimensions_of(
    context: Context, world: World, contract: Contract, staged: Mapping[str, Staged]
) -> dict[str, DataFrame]:
    """Return the keys of every dimension that a `refers` rule names, as readers will join them."""
    names = {rule.to for rule in contract.audit if isinstance(rule, Refers)}
    return {
        name: _dataset(context, world, name, staged).select(*world.project.contracts[name].grain)
        for name in sorted(names)
    }


def _images(staged: Staged, table: DataFrame) -> DataFrame:
    """Return old and new images of the rows that this run changes, in the contract's columns."""
    if staged.touched is None:
        return table.limit(0)
    changed = staged.touched.differences.where(F.col("_fate") != "unchanged")
    columns = staged.contract.column_names
    old = changed.where(F.col("_old").isNotNull()).select(*(F.col(f"_old.{c}") for c in columns))
    new = changed.where(F.col("_fate").isin("inserted", "updated")).select(*(F.col(f"_new.{c}") for c in columns))
    return old.unionByName(new)


def _touch_derived(
    context: Context,
    contract: Contract,
    staged: Mapping[str, Staged],
    dimensions: Mapping[str, DataFrame],
    bases: Bases,
) -> Touched | None:
    siblings = {name: staged[name] for name in contract.derived_from}
    anew = is_made_anew(context, contract, bases.curated)
    is_due = anew and not context.passes_over(contract.dataset)
    if not any(each.moved for each in siblings.values()) and not is_due:
        return None
    tables = {
        name: at(context.session, curated(name), each.snapshot).select(*each.contract.column_names)
        for name, each in siblings.items()
    }
    changed = tables if anew else {name: _images(each, tables[name]) for name, each in siblings.items()}
    dates = transform_of(contract, "touched")(changed=changed, **tables).dropna().distinct().localCheckpoint()
    return compute(context, contract, {**tables, "dates": dates}, None if anew else dates, dimensions, bases)
