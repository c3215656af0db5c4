"""The calendar. Promises every date of its range once; it comes from no source and never changes by itself."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

FIRST = "2024-01-01"
LAST = "2030-12-31"
SATURDAY = 6


def curate_dim_date() -> DataFrame:
    """Describe each date from 2024-01-01 to 2030-12-31; weeks are ISO weeks.

    Returns:
        One row per `calendar_date`.
    """
    day = F.col("calendar_date")
    iso_weekday = F.weekday(day) + 1
    dates = SparkSession.builder.getOrCreate().sql(
        f"select explode(sequence(date '{FIRST}', date '{LAST}')) as calendar_date"
    )
    return dates.select(
        day,
        F.year(day).alias("calendar_year"),
        F.quarter(day).alias("quarter_of_year"),
        F.month(day).alias("month_of_year"),
        F.trunc(day, "month").alias("month_start"),
        F.expr("extract(yearofweek from calendar_date)").alias("iso_year"),
        F.weekofyear(day).alias("iso_week"),
        F.trunc(day, "week").alias("week_start"),
        iso_weekday.alias("iso_weekday"),
        (iso_weekday >= SATURDAY).alias("is_weekend"),
        F.lit(None).cast("timestamp").alias("_source_at"),
    )
