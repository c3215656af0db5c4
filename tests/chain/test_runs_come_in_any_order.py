"""Day 4 before day 3 leaves the same tables as in order: state is computed from raw, never patched."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chain_engine import ROOT
from oracle_rows import held, wanted
from the_history import HISTORY_END

from calve.contract.loader import load_project
from calve.lake.lease import held as lease_of
from calve.runs import Interval, Run
from calve.spark.application import Leased

DATASETS = sorted(load_project(ROOT).contracts)
pytestmark = [pytest.mark.spark, pytest.mark.local]


@pytest.fixture(scope="module")
def out_of_order(chain, history):
    """A lake that ran the second day, on which a facility was renamed, before the first."""
    with chain.clone(history) as lake:
        first, second = HISTORY_END, HISTORY_END + timedelta(days=1)
        lake.fill(second + timedelta(days=1))
        lake.shop.execute(
            "update public.facility set name = 'Renamed Later', updated_at = %s where facility_id = 1", (second,)
        )
        outcomes = [verdicts for day in (second, first) for verdicts in lake.run(since=day).values()]
        yield lake, outcomes


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_day_that_comes_after_its_follower_leaves_the_same_table(dataset, out_of_order):
    lake, _ = out_of_order
    assert held(lake, dataset) == wanted(lake, dataset, HISTORY_END + timedelta(days=2))


def test_neither_order_is_blocked_or_warned_of(out_of_order):
    _, outcomes = out_of_order
    found = {result.outcome for verdicts in outcomes for verdict in verdicts for result in verdict.results}
    assert found == {"passed"}


def test_both_days_are_covered_and_nothing_is_missing(out_of_order):
    lake, _ = out_of_order
    rows = lake.query("select max(until) as until from calve.ledger where dataset = 'fct_order_line'")
    assert rows[0]["until"].date() == HISTORY_END + timedelta(days=2)


def test_a_published_run_that_is_submitted_again_changes_nothing(out_of_order):
    lake, _ = out_of_order
    before = lake.query("select * from calve.publication order by number"), held(lake, "fct_payment")
    run = Run("revenue", Interval.parse(HISTORY_END.isoformat()))
    with lease_of(lake.settings, run.pipeline, run.key) as lease:
        lake.perform([Leased(run, lease.epoch)])
    assert (lake.query("select * from calve.publication order by number"), held(lake, "fct_payment")) == before
    assert lake.run("revenue", since=HISTORY_END) == {}
