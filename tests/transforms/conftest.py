"""One plain Spark session for all transforms (no Iceberg, no jars, one core), and rows written as literals."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from calve.standin.local.java import java_home

Rows = Callable[..., DataFrame]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """Start the session that every test of this folder shares."""
    os.environ["JAVA_HOME"] = str(java_home())
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "512m")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def rows(spark: SparkSession) -> Rows:
    """Return a maker of frames: a schema in Spark's DDL, and rows whose strings Spark casts to it."""

    def make(schema: str, *values: tuple[Any, ...]) -> DataFrame:
        columns = [field.split(" ") for field in schema.split(", ")]
        texts = [tuple(None if value is None else str(value) for value in row) for row in values]
        frame = spark.createDataFrame(texts, ", ".join(f"{name} string" for name, _ in columns))
        return frame.selectExpr(*(f"cast({name} as {kind}) as {name}" for name, kind in columns))

    return make
