"""One Spark session for all transforms, and rows written as literals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from spark_session import started

sys.path.insert(0, str(Path(__file__).parents[2] / "spark_apps"))

Rows = Callable[..., DataFrame]


@pytest.fixture(scope="package")
def spark() -> Iterator[SparkSession]:
    """Start the session that every test of this folder shares."""
    with started() as session:
        yield session


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
