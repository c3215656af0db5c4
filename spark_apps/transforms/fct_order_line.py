"""Order lines. Promises one row per live line; a refund of its order changes nothing in it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

SOLD = ("PAID", "REFUNDED", "PARTIAL", "CHARGEBACK")
# Far above any mark-up or price list that is a few weeks old, far below a price in cents.
PLAUSIBLE_TIMES_LIST_PRICE = 10


def curate_fct_order_line(
    *, sales_order_line: DataFrame, sales_order: DataFrame, dim_facility: DataFrame, dim_product: DataFrame
) -> DataFrame:
    """Join each line with its order, and date it in its facility's local time.

    Args:
        sales_order_line: One row per `order_id, line_no`; `ordered_at` in UTC, amounts in the order's currency.
        sales_order: One row per `order_id`: `facility_id`, `account_key`, `ordered_at` (UTC), `status`, `currency`.
        dim_facility: One row per `facility_id`: `timezone` (IANA), `opened_on`, `closed_on` (null while open).
        dim_product: One row per `product_id`: `list_price`.

    Returns:
        One row per `order_id, line_no`. A line whose order, facility or product is unknown stays, with nulls, for the
        audit to judge; its business date is the UTC date then.
    """
    orders = sales_order.select(
        "order_id",
        "account_key",
        "facility_id",
        F.col("ordered_at").alias("accepted_at"),
        "status",
        "currency",
        F.col("updated_at").alias("order_updated_at"),
    )
    facilities = dim_facility.select("facility_id", "timezone", "opened_on", "closed_on")
    products = dim_product.select("product_id", "list_price")
    return (
        sales_order_line.join(orders, on="order_id", how="left")
        .join(F.broadcast(facilities), on="facility_id", how="left")
        .join(F.broadcast(products), on="product_id", how="left")
        .withColumn("ordered_at", F.coalesce("accepted_at", "ordered_at"))
        .withColumn("business_date", _local_date("ordered_at"))
        .select(*_columns())
    )


def _columns() -> list[Column]:
    """Return the contract's columns, from a line beside its order, facility and product."""
    is_plausible = F.col("unit_price") <= PLAUSIBLE_TIMES_LIST_PRICE * F.col("list_price")
    was_open = F.col("business_date") >= F.col("opened_on")
    was_not_closed = F.col("closed_on").isNull() | (F.col("business_date") < F.col("closed_on"))
    return [
        F.col("order_id"),
        F.col("line_no"),
        F.col("ordered_at"),
        F.col("business_date"),
        F.col("facility_id"),
        F.col("product_id"),
        F.col("account_key"),
        F.col("currency"),
        F.col("qty"),
        F.col("unit_price"),
        F.col("discount"),
        F.col("tax"),
        F.col("net_amount"),
        (F.col("net_amount") + F.col("tax")).cast("decimal(12,2)").alias("gross_amount"),
        F.coalesce(F.col("status").isin(*SOLD), F.lit(False)).alias("is_sold"),
        F.coalesce(is_plausible, F.lit(True)).alias("is_price_plausible"),
        F.coalesce(was_open & was_not_closed, F.lit(True)).alias("was_facility_open"),
        F.greatest("updated_at", "order_updated_at").alias("_source_at"),
    ]


def _local_date(instant: str) -> Column:
    return F.to_date(F.from_utc_timestamp(instant, F.coalesce("timezone", F.lit("UTC"))))
