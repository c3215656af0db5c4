"""Which interval a DAG run makes: its day for a backfill, what is missing for the schedule, the form for a person."""

from types import SimpleNamespace

import pytest
from driving import context_of
from whole_publication import publish_whole

from calve.airflow.requests import Asked, asked_of, request_of
from calve.errors import IntervalError
from calve.lake.attempts import Way
from calve.planning import Request
from calve.runs import Interval, Run

DAY = Interval.parse("2026-01-02")


def asked(partition=None, *, is_backfill=False, **form):
    return request_of("revenue", Asked(partition, is_backfill, form))


def test_a_backfill_makes_exactly_its_day_if_it_is_missing():
    assert asked("2026-01-02", is_backfill=True) == Request(("revenue",), DAY, missing_only=True)


@pytest.mark.parametrize("form", [{"mode": "reload"}, {"scope": "facility_id=7"}], ids=["another way", "a part"])
def test_a_backfill_whose_form_asks_for_it_makes_its_day_again(form):
    found = asked("2026-01-02", is_backfill=True, **form)
    assert (found.interval, found.missing_only) == (DAY, False)
    assert (found.mode, found.scope) == (form.get("mode", "changes"), form.get("scope", "all"))


def test_the_schedule_also_makes_what_is_missing_before_its_day():
    assert asked("2026-01-02") == Request(("revenue",), None, DAY.until)


def test_a_run_by_hand_makes_whatever_is_missing():
    assert asked() == Request(("revenue",))


def test_the_form_names_an_interval_a_part_and_a_way():
    found = asked(interval="2026-01-02", scope="facility_id=7", mode="reload")
    assert found == Request(("revenue",), DAY, None, "facility_id=7", "reload")


def test_the_form_names_datasets():
    found = asked(interval="2026-01-02", mode="reprocess", datasets=["fct_payment", "fct_order_line"])
    assert found.way == Way("reprocess", ("fct_order_line", "fct_payment"))


def test_the_form_wins_over_the_day_of_the_run():
    assert asked("2026-03-03", interval="2026-01-02") == Request(("revenue",), DAY)


@pytest.mark.parametrize(
    "form",
    [{"scope": "facility_id=7"}, {"mode": "reprocess"}, {"datasets": ["fct_payment"]}],
    ids=["a part", "a reprocess", "datasets"],
)
def test_a_part_or_another_way_without_an_interval_is_refused(form):
    with pytest.raises(IntervalError, match="no interval; name one"):
        asked("2026-01-02", **form)


@pytest.mark.parametrize(("kind", "is_backfill"), [("scheduled", False), ("backfill", True), ("manual", False)])
def test_it_is_read_from_what_airflow_tells_a_task(kind, is_backfill):
    context = {"dag_run": SimpleNamespace(run_type=kind, partition_key="2026-01-02"), "params": {"interval": None}}
    found = asked_of(context)
    assert (found.partition, found.is_backfill) == ("2026-01-02", is_backfill)


@pytest.fixture
def five_days(driven):
    """The first four days of 2026 of all datasets, live-published as one interval."""
    publish_whole(driven.records, Run("revenue", Interval.parse("2026-01-01/2026-01-05")))
    return driven


def test_a_backfill_of_a_day_inside_a_longer_publication_has_nothing_to_do_and_says_why(five_days, capsys):
    assert five_days.operator().execute(context_of(day="2026-01-02")) is None
    assert five_days.names() == []
    told = "nothing to do: everything asked for is published as revenue@2026-01-01/2026-01-05#0"
    assert told in capsys.readouterr().out


def test_a_backfill_of_a_day_that_only_some_datasets_have_makes_it(driven):
    driven.records.publish(Run("revenue", Interval.parse("2026-01-01/2026-01-05")))
    driven.deferred(driven.operator(), context_of(day="2026-01-02"))
    assert len(driven.names()) == 1


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({"day": "2026-01-02", "form": {"mode": "reload"}}, id="a backfill that asks for it"),
        pytest.param({"day": None, "kind": "manual", "form": {"interval": "2026-01-02"}}, id="a person's interval"),
        pytest.param({"day": "2026-01-05"}, id="a backfill of the day after"),
    ],
)
def test_what_is_asked_for_by_itself_is_made(task, five_days):
    five_days.deferred(five_days.operator(), context_of(**task))
    assert len(five_days.names()) == 1
