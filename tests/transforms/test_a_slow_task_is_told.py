"""A stage whose tasks wait for one is named in the driver's log, by its number and for whose work it was."""

import pytest
from pyspark.sql import functions as F

from calve.kubernetes.driver_log import skewed
from calve.spark.skew import name_work, skewed_stages

pytestmark = pytest.mark.spark


def work(spark, rows_of):
    """Hash so many rows in each partition."""

    def hashed(numbers):
        import hashlib

        for number in numbers:
            for _ in range(rows_of[number]):
                hashlib.sha256(b"x" * 100_000).digest()
            yield number

    spark.sparkContext.parallelize(range(len(rows_of)), len(rows_of)).map(lambda n: n).mapPartitions(hashed).count()


def test_a_stage_with_one_slow_task_is_told(spark):
    group = name_work(spark, "stage fct_order_line")
    work(spark, [1, 1, 1, 1, 20_000])
    (line,) = skewed_stages(spark, group, slow_seconds=0.5)
    assert line.startswith("stage ")
    assert skewed([f"skew     fct_order_line             {line}"]) == (f"fct_order_line {line}",)


def test_even_and_quick_stages_are_not(spark):
    group = name_work(spark, "even")
    spark.range(1000).repartition(4).select(F.sum("id")).collect()
    assert list(skewed_stages(spark, group)) == []
    other = name_work(spark, "slow alike")
    work(spark, [8000, 8000])
    assert list(skewed_stages(spark, other, slow_seconds=0.1)) == []


def test_stages_of_other_work_are_not(spark):
    name_work(spark, "theirs")
    work(spark, [1, 1, 1, 1, 20_000])
    mine = name_work(spark, "mine")
    spark.range(10).count()
    assert list(skewed_stages(spark, mine, slow_seconds=0.0)) == []
