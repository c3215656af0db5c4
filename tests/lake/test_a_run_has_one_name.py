"""Two runs never share a branch, and what can't be an interval, a day or a run key is refused with what could be."""

import re
from datetime import UTC, datetime

import pytest

from calve.errors import IntervalError
from calve.runs import Interval, Run

DAY = Interval.parse("2026-01-02")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("code=a-b", "code=a.b", id="signs that no branch name takes"),
        pytest.param("code=a_b", "code=a-b", id="a sign and what stands for it"),
        pytest.param("a_code=b", "a=code_b", id="column and value"),
    ],
)
def test_scopes_that_differ_have_branches_that_differ(one, other):
    assert Run("revenue", DAY, one).branch(1) != Run("revenue", DAY, other).branch(1)


def test_a_branch_is_named_the_same_every_time_and_says_its_scope():
    named = [Run.parse("revenue@2026-01-02[facility_id=7]#0").branch(1) for _ in range(2)]
    assert named[0] == named[1]
    assert re.fullmatch(r"run_revenue_20260102_facility_id_7_[0-9a-f]{8}_0_a1", named[0])


def test_a_run_without_scope_is_named_by_pipeline_interval_and_generation():
    assert Run("revenue", DAY, generation=2).branch(1) == "run_revenue_20260102_2_a1"


def test_the_last_day_of_the_calendar_has_no_end_and_is_refused():
    with pytest.raises(IntervalError, match=r"interval '9999-12-31': .*ask for an earlier day"):
        Interval.parse("9999-12-31")


def test_a_day_is_its_midnight():
    assert Interval.parse_day("2026-01-02") == datetime(2026, 1, 2, tzinfo=UTC)
    assert Interval.parse_day("9999-12-31") == datetime(9999, 12, 31, tzinfo=UTC)


def test_a_range_is_no_day():
    with pytest.raises(IntervalError, match="interval '2026-01-01/2026-01-05': found a range, expected one day"):
        Interval.parse_day("2026-01-01/2026-01-05")


@pytest.mark.parametrize("text", ["tomorrow", "2026-02-30", "2026-01-02T06:00", ""])
def test_what_is_no_date_is_no_day(text):
    with pytest.raises(IntervalError):
        Interval.parse_day(text)
