"""One plain Spark session for all transforms (no Iceberg, no jars, one core), and rows written as literals."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession

from calve.standin.local.java import spark_environment

sys.path.insert(0, str(Path(__file__).parents[2] / "spark_apps"))

Rows = Callable[..., DataFrame]


@pytest.fixture(scope="package")
def spark() -> Iterator[SparkSession]:
    """Start the session that every test of this folder shares; its Java ends with it.

    Other folders want a session with jars, which a Java that runs already can't get.
    """
    os.environ |= spark_environment()
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
    gateway = SparkContext._gateway
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None


@pytest.fixture(scope="package")
def rows(spark: SparkSession) -> Rows:
    """Return a maker of frames: columns in Spark's DDL, and rows of literals that Spark casts to them."""

    def make(columns: str, *values: tuple[Any, ...]) -> DataFrame:
        pairs = [column.split(" ") for column in columns.split(", ")]
        names = ", ".join(name for name, _ in pairs)
        casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in pairs)
        listed = ", ".join(_tuple(row) for row in values or [(None,) * len(pairs)])
        frame = spark.sql(f"select {casts} from values {listed} as t({names})")
        return frame if values else frame.limit(0)

    return make


def _tuple(row: tuple[Any, ...]) -> str:
    return f"({', '.join('null' if value is None else repr(str(value)) for value in row)})"
