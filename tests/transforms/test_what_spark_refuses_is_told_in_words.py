"""SQL that Spark refuses is the contract's or the transform's fault, and repeating can't help; a failed job may be."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from calve.contract.loader import load_project
from calve.contract.rules import Sql
from calve.errors import EX_DATAERR, EX_TEMPFAIL, ContractError, JobFailedError
from calve.runs import Interval
from calve.spark.quarantine import judge_rows
from calve.spark.session import explained

ROOT = Path(__file__).parents[2]
DAY = Interval(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


@pytest.fixture
def judge(spark):
    """Return a function that judges no rows by one predicate of `dim_region`."""
    contract = load_project(ROOT).contracts["dim_region"]
    rows = spark.range(0).select(*(F.lit(None).alias(name) for name in contract.column_names))

    def by(predicate: str) -> None:
        rule = Sql.model_validate({"sql": predicate, "else": "quarantine"})
        judge_rows(contract.model_copy(update={"audit": (rule,)}), rows, {}, DAY)

    return by


@pytest.mark.parametrize(
    ("predicate", "told"),
    [
        pytest.param("length_of(region_name) > 0", "`length_of`", id="a function that is not there"),
        pytest.param("regionname = 'x'", "`regionname`", id="a column that is not there"),
        pytest.param("region_name = = 'x'", "PARSE_SYNTAX_ERROR", id="no SQL"),
    ],
)
def test_a_rule_that_spark_refuses_is_told_by_its_contract_and_what_spark_said(judge, predicate, told):
    with pytest.raises(ContractError) as error, explained():
        judge(predicate)
    said = str(error.value)
    assert error.value.exit_code == EX_DATAERR
    assert said.startswith("contract iceberg/contracts/dim_region.yaml: ")
    assert told in said
    assert "correct" in said
    assert "\n" not in said


def test_a_transform_that_spark_refuses_is_told_by_its_line(spark, tmp_path):
    file = tmp_path / "fct_wrong.py"
    file.write_text("def curate_fct_wrong(*, sale):\n    kept = sale\n    return kept.select('amuont')\n")
    spec = importlib.util.spec_from_file_location("transforms.fct_wrong", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(ContractError) as error, explained():
        module.curate_fct_wrong(sale=spark.range(0).select(F.col("id").alias("amount")))
    assert str(error.value).startswith("transform spark_apps/transforms/fct_wrong.py:3: ")
    assert "`amuont`" in str(error.value)


def test_what_else_spark_raises_may_be_repeated(spark):
    with pytest.raises(JobFailedError) as error, explained():
        spark.conf.set("spark.sql.shuffle.partitions", "many")
    assert str(error.value).startswith("spark: ")
    assert "Run the same command again" in str(error.value)
    assert error.value.exit_code == EX_TEMPFAIL
    assert "many" in str(error.value)


def test_a_job_that_failed_is_told_by_its_deepest_cause(spark):
    with pytest.raises(JobFailedError, match="no room left") as error, explained():
        spark.range(1).select(F.raise_error(F.lit("no room left"))).collect()
    assert "\n" not in str(error.value)


def test_what_calve_said_itself_stays_as_it_is():
    said = ContractError("dataset a: wrong")
    with pytest.raises(ContractError) as error, explained():
        raise said
    assert error.value is said


def test_a_fault_of_calve_stays_a_trace():
    with pytest.raises(ZeroDivisionError), explained():
        raise ZeroDivisionError
