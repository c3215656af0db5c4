"""Say which partitions rows lie in, and cover them with a filter that Iceberg drops whole files by."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from calve.contract.models import Contract


def partition_values(contract: Contract, rows: DataFrame) -> list[tuple[object, ...]]:
    """Return the distinct partitions that the rows lie in, as the starts of their ranges."""
    starts = [_start(transform).alias(f"p{i}") for i, transform in enumerate(contract.partition_by)]
    return sorted({tuple(row) for row in rows.select(*starts).distinct().collect()}, key=str)


def partition_filter(contract: Contract, partitions: list[tuple[object, ...]]) -> Column:
    """Return a typed filter that covers exactly these partitions, as whole files."""
    return reduce(
        lambda left, right: left | right,
        [
            reduce(
                lambda left, right: left & right,
                [_covers(contract, t, start) for t, start in zip(contract.partition_by, values, strict=True)],
            )
            for values in partitions
        ],
    )


def _parts(transform: str) -> tuple[str, str]:
    unit, _, column = transform.rstrip(")").rpartition("(")
    return unit, column


def _start(transform: str) -> Column:
    unit, column = _parts(transform)
    return F.date_trunc(unit, F.col(column)) if unit else F.col(column)


def _covers(contract: Contract, transform: str, start: object) -> Column:
    """Compare with literals of the column's own type: Iceberg translates nothing else into a partition filter."""
    unit, column = _parts(transform)
    if start is None:
        return F.col(column).isNull()
    if not unit or not isinstance(start, datetime):
        return F.col(column) == F.lit(start)
    end = _following(start, unit)
    is_date = next(c.type for c in contract.columns if c.name == column) == "date"
    low, high = (start.date(), end.date()) if is_date else (start, end)
    return (F.col(column) >= F.lit(low)) & (F.col(column) < F.lit(high))


def _following(start: datetime, unit: str) -> datetime:
    if unit == "day":
        return start + timedelta(days=1)
    if unit == "year":
        return start.replace(year=start.year + 1)
    return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
