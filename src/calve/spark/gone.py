"""Find the rows that the lake holds and the source no longer has; they land as tombstones.

A row is gone when its key is: whatever the interval, the scope, or the time of a change, no other reason counts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from calve.contract.scopes import Part
from calve.contract.sources import Source
from calve.lake.landings import accepted_landings
from calve.spark.context import Context
from calve.spark.cut import Cut
from calve.spark.extract import day_totals, keys, on_days
from calve.spark.state import Accepted, is_live, latest, versions

COMPARED_DAYS = timedelta(days=35)
_FRESH_SEQ = 2**62


def tombstones(context: Context, cut: Cut, source: Source, rows: DataFrame, accepted: Accepted) -> DataFrame | None:
    """Return a tombstone for every row that is gone; None when none can be.

    Args:
        rows: What was extracted, with `_op` and `_row_hash`.
        accepted: The published landings.
    """
    if accepted.first or not context.reaches(source):
        return None
    if context.reads_whole(source):
        return _missing(context, cut, source, rows, accepted)
    return _missing_on_days_that_differ(context, cut, source, rows, accepted)


def _missing(context: Context, cut: Cut, source: Source, rows: DataFrame, accepted: Accepted) -> DataFrame | None:
    held = latest(versions(context.session, source, accepted), source).where(F.col("_op") == "U")
    mine = _of_part(context, source, held)
    absent = mine.join(rows.select(*source.landed_key), on=list(source.landed_key), how="leftanti").localCheckpoint()
    if absent.isEmpty():
        return None
    # What changed after the interval, or moved to another part, was not extracted, and is not gone.
    return _without_keys(source, absent, keys(context.session, context.settings, cut, source))


def _missing_on_days_that_differ(
    context: Context, cut: Cut, source: Source, rows: DataFrame, accepted: Accepted
) -> DataFrame | None:
    if source.deletes.compare_keys is None:
        return None
    day, since = source.deletes.compare_keys, context.run.interval.since - COMPARED_DAYS
    recent = versions(context.session, source, accepted).where(F.col(day) >= F.lit(since))
    fresh = rows.where(F.col(day) >= F.lit(since)).withColumn("_landed_seq", F.lit(_FRESH_SEQ))
    held = latest(recent.unionByName(fresh, allowMissingColumns=True), source).where(F.col("_op") == "U")
    held = held.localCheckpoint()
    days = _days_that_differ(context, cut, source, held, since)
    if not days:
        return None
    there = keys(context.session, context.settings, cut, source, on_days(source, days))
    return _without_keys(source, held.where(F.to_date(day).isin(days)), there)


def _days_that_differ(context: Context, cut: Cut, source: Source, held: DataFrame, since: datetime) -> list[Any]:
    day = source.deletes.compare_keys or ""
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(f"sum_{name}") for name in source.totals]
    alive = _of_part(context, source, held).where(is_live(source)).groupBy(F.to_date(day).alias("day"))
    lake = {row[0]: tuple(row[1:]) for row in alive.agg(F.count(F.lit(1)), *sums).collect()}
    there = {row[0]: tuple(row[1:]) for row in day_totals(cut, source, since, context.predicate(source))}
    return sorted(d for d in lake if lake[d] != there.get(d))


def _without_keys(source: Source, held: DataFrame, there: DataFrame) -> DataFrame:
    gone = held.join(there, on=list(source.landed_key), how="leftanti")
    return gone.select(*(c.landed_name for c in source.landed), "_row_hash", F.lit("D").alias("_op"))


def _of_part(context: Context, source: Source, held: DataFrame) -> DataFrame:
    """Keep the lake's rows that the run's scope means."""
    return held if context.parts is None else _inside(context, context.parts[source.source], held)


def _inside(context: Context, part: Part, held: DataFrame) -> DataFrame:
    own, *parents = part.path
    if not parents or own.part_of is None:
        return held.where(F.col(part.column) == F.lit(part.value))
    parent = parents[0]
    accepted = Accepted(tuple(accepted_landings(context.records, parent.source)), "")
    known = latest(versions(context.session, parent, accepted), parent)
    inside = _inside(context, replace(part, path=tuple(parents)), known)
    return held.join(inside.select(own.part_of.by), on=own.part_of.by, how="leftsemi")
