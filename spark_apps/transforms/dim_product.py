"""Products at their latest state. Promises one row per product; its category's path stays in dim_category."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def curate_dim_product(product: DataFrame) -> DataFrame:
    """Keep every product, with its latest price and category.

    Args:
        product: One row per `product_id`, as the source describes it; `active_to` is null while on sale.

    Returns:
        One row per `product_id`.
    """
    return product.select(
        "product_id",
        "sku",
        "name",
        "category_id",
        "product_type",
        "list_price",
        "currency",
        "active_from",
        "active_to",
        F.col("updated_at").alias("_source_at"),
    )
