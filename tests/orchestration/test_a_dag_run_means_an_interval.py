"""Which interval a DAG run makes: its day for a backfill, what is missing for the schedule, the form for a person."""

from types import SimpleNamespace

import pytest

from calve.airflow.requests import Asked, asked_of, request_of
from calve.errors import IntervalError
from calve.planning import Request
from calve.runs import Interval

DAY = Interval.parse("2026-01-02")


def asked(partition=None, *, is_backfill=False, **form):
    return request_of("revenue", Asked(partition, is_backfill, form))


def test_a_backfill_makes_exactly_its_day():
    assert asked("2026-01-02", is_backfill=True) == Request(("revenue",), DAY)


def test_the_schedule_also_makes_what_is_missing_before_its_day():
    assert asked("2026-01-02") == Request(("revenue",), None, DAY.until)


def test_a_run_by_hand_makes_whatever_is_missing():
    assert asked() == Request(("revenue",))


def test_the_form_names_an_interval_a_part_and_a_way():
    found = asked(interval="2026-01-02", scope="facility_id=7", mode="reload")
    assert found == Request(("revenue",), DAY, None, "facility_id=7", "reload")


def test_the_form_wins_over_the_day_of_the_run():
    assert asked("2026-03-03", interval="2026-01-02") == Request(("revenue",), DAY)


@pytest.mark.parametrize("form", [{"scope": "facility_id=7"}, {"mode": "reprocess"}], ids=["a part", "a reprocess"])
def test_a_part_or_another_way_without_an_interval_is_refused(form):
    with pytest.raises(IntervalError, match="no interval; name one"):
        asked("2026-01-02", **form)


@pytest.mark.parametrize(("kind", "is_backfill"), [("scheduled", False), ("backfill", True), ("manual", False)])
def test_it_is_read_from_what_airflow_tells_a_task(kind, is_backfill):
    context = {"dag_run": SimpleNamespace(run_type=kind, partition_key="2026-01-02"), "params": {"interval": None}}
    found = asked_of(context)
    assert (found.partition, found.is_backfill) == ("2026-01-02", is_backfill)
