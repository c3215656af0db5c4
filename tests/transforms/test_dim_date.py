from datetime import date

import pytest

from transforms.dim_date import curate_dim_date


@pytest.fixture(scope="module")
def calendar(spark):
    """Every row of the calendar by its date."""
    return {row["calendar_date"]: row for row in curate_dim_date().collect()}


def test_every_date_of_seven_years_is_there_once(calendar):
    assert (min(calendar), max(calendar), len(calendar)) == (date(2024, 1, 1), date(2030, 12, 31), 2557)


@pytest.mark.parametrize(
    ("day", "iso"),
    [
        pytest.param(date(2024, 12, 30), (2025, 1, 1), id="Monday in the next year's first week"),
        pytest.param(date(2027, 1, 1), (2026, 53, 5), id="Friday in the old year's 53rd week"),
        pytest.param(date(2026, 2, 8), (2026, 6, 7), id="Sunday"),
    ],
)
def test_weeks_are_iso_weeks(calendar, day, iso):
    row = calendar[day]
    assert (row["iso_year"], row["iso_week"], row["iso_weekday"]) == iso


def test_weeks_start_on_monday_and_months_on_their_first(calendar):
    row = calendar[date(2026, 3, 1)]
    assert (row["week_start"], row["month_start"], row["is_weekend"]) == (date(2026, 2, 23), date(2026, 3, 1), True)
