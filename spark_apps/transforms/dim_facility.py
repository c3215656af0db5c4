"""Facilities at their latest state. Promises to keep closed and deleted ones: their sales still need a name."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def curate_dim_facility(facility: DataFrame) -> DataFrame:
    """Keep every facility, with its latest name and state.

    Args:
        facility: One row per `facility_id`, as the source describes it; `closed_on` is null while open.

    Returns:
        One row per `facility_id`.
    """
    return facility.select(
        "facility_id",
        "code",
        "name",
        "facility_type",
        "region_id",
        "timezone",
        "capacity",
        "status",
        "opened_on",
        "closed_on",
        "is_deleted",
        F.col("updated_at").alias("_source_at"),
    )
