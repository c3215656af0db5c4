"""Revenue per facility, product and day. Promises that no cent of gross or refund is lost or counted twice.

Sales count on the order's business date, refunds on the date of their settlement. It never sums across currencies.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

GRAIN = ("business_date", "facility_id", "product_id", "currency")
GIVEN_BACK = ("REFUND", "CHARGEBACK")
NO_PRODUCT = 0


def touched_agg_facility_product_day(
    changed: dict[str, DataFrame], *, fct_order_line: DataFrame, fct_payment: DataFrame
) -> DataFrame:
    """Name the dates that changed rows of the siblings can move.

    Args:
        changed: Per sibling, the old and the new images of its changed rows.
        fct_order_line: All order lines as staged.
        fct_payment: All payments as staged.

    Returns:
        One row per `business_date`: that of each changed line and payment, and the dates on which orders with
        changed lines were refunded, because the refund is then shared out anew.
    """
    lines, payments = changed["fct_order_line"], changed["fct_payment"]
    refunded_anew = _refunds(fct_payment).join(
        F.broadcast(lines.select("order_id").distinct()), on="order_id", how="left_semi"
    )
    return (
        lines.select("business_date")
        .union(payments.select("business_date"))
        .union(refunded_anew.select("business_date"))
        .distinct()
    )


def curate_agg_facility_product_day(
    *, fct_order_line: DataFrame, fct_payment: DataFrame, dates: DataFrame
) -> DataFrame:
    """Add up the sold lines and the refunds of the given dates.

    Args:
        fct_order_line: One row per `order_id, line_no` of every date; refunds need the lines of older orders.
        fct_payment: One row per `payment_id` of every date.
        dates: One row per `business_date` to compute.

    Returns:
        One row per `business_date, facility_id, product_id, currency` that sold or gave back something.
    """
    wanted = F.broadcast(dates.select("business_date").distinct())
    sold = fct_order_line.where("is_sold")
    sales = sold.join(wanted, on="business_date", how="left_semi").select(
        *GRAIN,
        F.lit(1).alias("line_count"),
        "qty",
        "gross_amount",
        F.lit(0).cast("decimal(12,2)").alias("refund_amount"),
    )
    refunds = _refunds(fct_payment).join(wanted, on="business_date", how="left_semi")
    shares = _shared_out(refunds, sold).select(
        *GRAIN,
        F.lit(0).alias("line_count"),
        F.lit(0).alias("qty"),
        F.lit(0).cast("decimal(12,2)").alias("gross_amount"),
        "refund_amount",
    )
    totals = (
        sales.unionByName(shares)
        .groupBy(*GRAIN)
        .agg(
            F.sum("line_count").alias("line_count"),
            F.sum("qty").alias("quantity"),
            F.sum("gross_amount").cast("decimal(18,2)").alias("gross_amount"),
            F.sum("refund_amount").cast("decimal(18,2)").alias("refund_amount"),
        )
    )
    return totals.select(
        *GRAIN,
        "line_count",
        "quantity",
        "gross_amount",
        "refund_amount",
        (F.col("gross_amount") - F.col("refund_amount")).cast("decimal(18,2)").alias("net_revenue"),
        F.lit(None).cast("timestamp").alias("_source_at"),
    )


def _refunds(fct_payment: DataFrame) -> DataFrame:
    return fct_payment.where(F.col("payment_type").isin(*GIVEN_BACK))


def _shared_out(refunds: DataFrame, sold: DataFrame) -> DataFrame:
    """Split each refund over its order's sold lines, in proportion to gross, to the cent.

    The share of a line is the rounded refund up to and including it, less that up to the line before: shares add up
    to the refund exactly. Whole cents and integer division, because a decimal quotient is rounded before we round it.

    Returns:
        One row per refund and line with a share, or with product 0 where the order has no gross to share by.
    """
    # ordered_at is the order's in both tables: it lets the scan of the lines skip the months of no refund.
    order = ["order_id", "ordered_at"]
    lines = sold.where("gross_amount > 0").join(F.broadcast(refunds.select(*order)), on=order, how="left_semi")
    by_order = Window.partitionBy("order_id")
    up_to_line = by_order.orderBy("line_no").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    cents = (F.col("gross_amount") * 100).cast("decimal(18,0)")
    weights = lines.select(
        *order,
        "product_id",
        cents.alias("gross"),
        F.sum(cents).over(up_to_line).cast("decimal(18,0)").alias("up_to"),
        F.sum(cents).over(by_order).cast("decimal(18,0)").alias("total"),
    )
    shared = refunds.withColumn("refund", (F.col("amount") * 100).cast("decimal(14,0)")).join(
        weights, on=order, how="left"
    )
    rounded = "(2 * refund * {part} + total) div (2 * total)"
    share = F.expr(f"{rounded.format(part='up_to')} - {rounded.format(part='(up_to - gross)')}")
    return shared.select(
        "business_date",
        "facility_id",
        F.coalesce("product_id", F.lit(NO_PRODUCT)).alias("product_id"),
        "currency",
        F.coalesce((share.cast("decimal(14,0)") / 100).cast("decimal(12,2)"), "amount").alias("refund_amount"),
    )
