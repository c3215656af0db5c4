"""Payments beside the order that they belong to. Promises one row per payment; never nets one against another."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def curate_fct_payment(*, payment: DataFrame, sales_order: DataFrame, dim_facility: DataFrame) -> DataFrame:
    """Give each payment its order's facility, buyer and currency, and date its settlement in local time.

    Args:
        payment: One row per `payment_id`: `order_id`, `type`, `amount` (never negative), `settled_at` and `created_at`
            in UTC.
        sales_order: One row per `order_id`: `facility_id`, `account_key`, `ordered_at` (UTC), `currency`.
        dim_facility: One row per `facility_id`: `timezone` (IANA).

    Returns:
        One row per `payment_id`. A payment whose order or facility is unknown stays, with nulls, for the audit to
        judge; its business date is the UTC date then.
    """
    orders = sales_order.select("order_id", "facility_id", "account_key", "ordered_at", "currency")
    facilities = dim_facility.select("facility_id", "timezone")
    local_time = F.from_utc_timestamp("settled_at", F.coalesce("timezone", F.lit("UTC")))
    return (
        payment.join(orders, on="order_id", how="left")
        .join(F.broadcast(facilities), on="facility_id", how="left")
        .select(
            "payment_id",
            "order_id",
            F.col("type").alias("payment_type"),
            "settled_at",
            F.to_date(local_time).alias("business_date"),
            "facility_id",
            "account_key",
            "ordered_at",
            "currency",
            "amount",
            F.col("created_at").alias("_source_at"),
        )
    )
