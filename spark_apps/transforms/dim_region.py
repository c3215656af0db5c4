"""Regions with the name of the region above. Promises one row per region, whatever its parent; never drops one."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def curate_dim_region(region: DataFrame) -> DataFrame:
    """Write each region's parent name beside it.

    Args:
        region: One row per `region_id`: `code`, `name`, `parent_region_id` (null at the top), `updated_at`.

    Returns:
        One row per `region_id`; `parent_name` is null at the top, and where the parent is unknown.
    """
    parents = region.select(
        F.col("region_id").alias("parent_region_id"),
        F.col("name").alias("parent_name"),
        F.col("updated_at").alias("parent_updated_at"),
    )
    return region.join(F.broadcast(parents), on="parent_region_id", how="left").select(
        "region_id",
        "code",
        "name",
        "parent_region_id",
        "parent_name",
        F.greatest("updated_at", "parent_updated_at").alias("_source_at"),
    )
