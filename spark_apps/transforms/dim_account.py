"""Accounts without identity. Promises one row per keyed hash; never a name, an address, or an unkeyed key."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def curate_dim_account(account: DataFrame) -> DataFrame:
    """Keep what an analyst may know of each account.

    Args:
        account: One row per `account_key`: `account_type`, `facility_id`, `created_at`, `updated_at`, and `erased_at`,
            which is null until identity is erased. Instants are UTC.

    Returns:
        One row per `account_key`; `changed_at` after `erased_at` tells that an erased account moved again.
    """
    return account.select(
        "account_key",
        "account_type",
        "facility_id",
        F.to_date("created_at").alias("created_on"),
        F.col("erased_at").isNotNull().alias("is_erased"),
        "erased_at",
        F.col("updated_at").alias("changed_at"),
        F.col("updated_at").alias("_source_at"),
    )
