"""A reprocess of chosen datasets makes these right and leaves the others as they are, and no row is lost by it.

Two transforms were wrong once. Then one of both tables is asked for, with the right transforms and a source that is a
day ahead; the plain run of that day comes after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from chain_engine import Lake
from oracle_rows import held, wanted
from pyspark.sql import functions as F
from the_history import HISTORY_END

from calve.errors import IntervalError
from calve.lake.attempts import Way
from calve.lake.landings import watermark
from calve.lake.lease import held as lease_of
from calve.lake.ledger import ledger, rebuild
from calve.lake.verdicts import DatasetVerdict
from calve.runs import Run
from calve.spark.application import Leased

pytestmark = [pytest.mark.spark, pytest.mark.local]

DATASETS = ("fct_order_line", "fct_payment", "agg_facility_product_day")
DAY = HISTORY_END - timedelta(days=1)
LINEAGE = "order_id, line_no, account_key, _run_key, _row_hash"


@dataclass(frozen=True)
class Told:
    """What a test compares: the rows of a run of one dataset, and what the records say then."""

    lake: Lake
    right: dict[str, set]
    wrong: dict[str, set]
    after: dict[str, set]
    verdicts: dict[str, DatasetVerdict]
    states: tuple[object, object]
    lines: tuple[list[str], list[str]]


def having(column, value, right):
    """Return a transform that gives a column another value."""
    return lambda **inputs: right(**inputs).withColumn(column, value)


def images(lake):
    """Return the order lines with what says which run made them."""
    return sorted(map(str, lake.rows("curated.fct_order_line", LINEAGE)))


def state(lake):
    """Return what landed, where the next extraction begins, and what is covered."""
    landed = lake.query("select source, landing_id from calve.landing order by seq, source")
    covered = [(segment.dataset, segment.since, segment.until) for segment in ledger(lake.records, "revenue")]
    ends = {(dataset, max(until for name, _, until in covered if name == dataset)) for dataset, *_ in covered}
    return landed, watermark(lake.records, "payment"), ends


@pytest.fixture(scope="module")
def told(chain, history):
    """The story up to the reprocess of one dataset."""
    from transforms import fct_order_line, fct_payment

    with chain.clone(history) as lake, pytest.MonkeyPatch.context() as patch:
        right = {dataset: wanted(lake, dataset, HISTORY_END) for dataset in DATASETS}
        lake.fill(HISTORY_END + timedelta(days=1))
        bought = having("account_key", F.lit("k1:nobody"), fct_order_line.curate_fct_order_line)
        paid = having("payment_type", F.lit("CHARGE"), fct_payment.curate_fct_payment)
        patch.setattr(fct_order_line, "curate_fct_order_line", bought)
        patch.setattr(fct_payment, "curate_fct_payment", paid)
        lake.run("revenue", since=DAY, mode="reprocess", datasets=("fct_order_line", "fct_payment"))
        patch.undo()
        wrong = {dataset: held(lake, dataset) for dataset in DATASETS}
        lines, before = images(lake), state(lake)
        found = lake.run("revenue", since=DAY, mode="reprocess", datasets=("fct_payment",))["revenue"]
        after = {dataset: held(lake, dataset) for dataset in DATASETS}
        yield Told(
            lake,
            right,
            wrong,
            after,
            {each.dataset: each for each in found},
            (before, state(lake)),
            (lines, images(lake)),
        )


def test_the_dataset_asked_for_is_made_right(told):
    assert told.wrong["fct_payment"] != told.right["fct_payment"]
    assert told.after["fct_payment"] == told.right["fct_payment"]


def test_the_others_stay_as_they_are_though_their_transform_changed(told):
    assert told.wrong["fct_order_line"] != told.right["fct_order_line"]
    assert told.after["fct_order_line"] == told.wrong["fct_order_line"]
    before, after = told.lines
    assert before == after


def test_what_is_passed_over_is_audited_and_published_as_an_empty_snapshot(told):
    verdict = told.verdicts["fct_order_line"]
    assert verdict.word == "passed"
    assert verdict.touched.get("added-records", 0) == 0
    assert verdict.staged_snapshot_id != verdict.base_snapshot_id
    newest = told.lake.query("select run_key, tables from calve.publication order by number desc limit 1")[0]
    assert newest["run_key"] == verdict.run_key == f"revenue@{DAY}#1"
    assert {table["dataset"] for table in newest["tables"] if table["staged"]} == set(DATASETS)


def test_what_is_derived_follows(told):
    assert told.wrong["agg_facility_product_day"] != told.right["agg_facility_product_day"]
    assert told.after["agg_facility_product_day"] == told.right["agg_facility_product_day"]


def test_nothing_lands_and_the_next_run_begins_where_it_would_have(told):
    before, after = told.states
    assert before == after
    assert not rebuild(told.lake.records)


def test_a_request_that_was_planned_as_the_same_generation_is_not_taken_for_done(told):
    run = Run.parse(f"revenue@{DAY}#1")
    with lease_of(told.lake.settings, run.pipeline, run.key) as lease:
        with pytest.raises(IntervalError, match="begun by reprocess:fct_payment, asked for by reprocess;"):
            told.lake.perform([Leased(run, lease.epoch, Way("reprocess"))])
        assert told.lake.perform([Leased(run, lease.epoch, Way("reprocess", ("fct_payment",)))])


@pytest.fixture(scope="module")
def next_day(told):
    """The plain run of the day after."""
    return {verdict.dataset: verdict for verdict in told.lake.run("revenue", since=HISTORY_END)["revenue"]}


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_next_run_makes_all_of_them_equal_the_shop(dataset, told, next_day):
    assert next_day[dataset].word == "passed"
    assert held(told.lake, dataset) == wanted(told.lake, dataset, HISTORY_END + timedelta(days=1))
