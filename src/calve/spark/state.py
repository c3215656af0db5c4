"""What the lake knows of a source: its accepted raw versions, and the latest of them per key.

Accepted are the landings of published runs and the run's own. Rows of blocked, replaced or dead attempts stay
in raw and are never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from calve.contract.sources import Source
from calve.spark.tables import raw

LISTED = 200  # Iceberg prunes files by a list of values up to this length
KEY_RANGE_TYPES = ("int", "bigint", "date")


@dataclass(frozen=True)
class Accepted:
    """Which landings of a source may be read, oldest first; `own` is this run's."""

    published: tuple[str, ...]
    own: str

    @property
    def first(self) -> bool:
        """Tell whether nothing of the source was published before."""
        return not self.published


def versions(session: SparkSession, source: Source, accepted: Accepted) -> DataFrame:
    """Return all accepted versions: landed columns and raw's own."""
    ids = sorted({*accepted.published, accepted.own} - {""})
    frame = session.table(raw(source.source))
    if len(ids) <= LISTED:
        return frame.where(F.col("_landing_id").isin(ids))
    listed = session.createDataFrame([(i,) for i in ids], "_landing_id string")
    return frame.join(F.broadcast(listed), on="_landing_id", how="leftsemi")


def latest(frame: DataFrame, source: Source) -> DataFrame:
    """Keep the newest version per key, tombstones too: what was read at the latest cut, whatever the row says of when.

    A source need not keep its clock: rows are restored with an older change time, or with none.
    """
    newest_first = Window.partitionBy(*source.landed_key).orderBy(
        F.col("_landed_seq").desc(),
        F.col(source.changed_by).desc(),
        F.col("_op").asc(),
        F.col("_row_hash").asc(),
    )
    ranked = frame.withColumn("_rank", F.row_number().over(newest_first))
    return ranked.where(F.col("_rank") == 1).drop("_rank")


def is_live(source: Source) -> Column:
    """Tell rows that exist from tombstones and soft-deleted ones."""
    live = F.col("_op") == "U"
    if source.deletes.soft:
        live = live & ~F.coalesce(F.col(source.deletes.soft), F.lit(False))
    return live


def live_rows(frame: DataFrame, source: Source) -> DataFrame:
    """Return the latest live version per key, in the landed columns."""
    return latest(frame, source).where(is_live(source)).select(*(c.landed_name for c in source.landed))


def within(frame: DataFrame, units: DataFrame, by: Sequence[str]) -> DataFrame:
    """Keep the rows of the given units; a range on the first column lets Iceberg skip files.

    Args:
        frame: Rows that have the columns `by`.
        units: Distinct values of `by`; a null is a unit like any other, or its rows would never be judged.
    """
    first = by[0]
    if dict(units.dtypes)[first] in KEY_RANGE_TYPES:
        bounds = units.agg(F.min(first), F.max(first), F.max(F.col(first).isNull())).first()
        if bounds is None or bounds[2] is None:
            return frame.limit(0)
        low, high, has_null = bounds
        inside = F.col(first).isNull() if has_null else F.lit(False)
        frame = frame.where(inside if low is None else inside | F.col(first).between(F.lit(low), F.lit(high)))
    return matching(frame, units, by, "leftsemi")


def matching(frame: DataFrame, units: DataFrame, by: Sequence[str], how: str) -> DataFrame:
    """Join rows with units where null equals null; the columns `by` are those of the rows."""
    # Names of their own: both sides may come from one table.
    named = units.withColumnsRenamed({name: f"_unit_{name}" for name in by})
    equal = [F.col(name).eqNullSafe(F.col(f"_unit_{name}")) for name in by]
    return frame.join(named, on=reduce(Column.__and__, equal), how=how).drop(*(f"_unit_{name}" for name in by))
