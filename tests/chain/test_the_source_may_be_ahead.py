"""Days that are caught up one by one, when the source has gone on: a row that was there is read as it is now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chain_engine import ROOT
from oracle_rows import held, wanted
from the_history import HISTORY_END

from calve.contract.loader import load_project

pytestmark = [pytest.mark.spark, pytest.mark.local]

DATASETS = sorted(load_project(ROOT).contracts)
DAYS = 3


@pytest.fixture(scope="module")
def caught_up(chain, history):
    """A lake whose source is three days ahead, and the verdicts of the three days, oldest first."""
    with chain.clone(history) as lake:
        lake.fill(HISTORY_END + timedelta(days=DAYS))
        yield lake, [lake.run(since=HISTORY_END + timedelta(days=number)) for number in range(DAYS)]


@pytest.mark.parametrize("outcome", ["blocked", "quarantined"])
def test_nothing_is_wrong_with_a_day_for_what_came_after_it(outcome, caught_up):
    _, days = caught_up
    verdicts = [verdict for found in days for each in found.values() for verdict in each]
    wrong = {(v.run_key, v.dataset, r.rule, r.detail) for v in verdicts for r in v.results if r.outcome == outcome}
    assert wrong == set()


@pytest.mark.parametrize("dataset", DATASETS)
def test_in_the_end_every_table_equals_the_shop(dataset, caught_up):
    lake, _ = caught_up
    assert held(lake, dataset) == wanted(lake, dataset, HISTORY_END + timedelta(days=DAYS))
