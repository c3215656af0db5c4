"""Clean days never look like an incident: volume, prices and facilities move slowly. No database needed."""

from collections import defaultdict
from statistics import median

import numpy as np
import pytest

from calve.standin.source.changes import World
from calve.standin.source.clock import local_day
from calve.standin.source.geography import FACILITIES

FIRST, LAST = 372, 372 + 28 + 100


@pytest.fixture(
    scope="module",
    params=[pytest.param(0.2, id="a fifth"), pytest.param(1.0, id="whole"), pytest.param(10.0, id="tenfold")],
)
def lines(request):
    """Facility, product, price and day of every line over four weeks and a hundred days more."""
    world = World(7, request.param, LAST)
    placed = world.placed(range(FIRST, LAST))
    order = placed.lines["order"]
    return {
        "scale": request.param,
        "day": placed.orders["order_id"][order] // 10_000_000 - 1,
        "facility": placed.orders["facility"][order],
        "product": placed.lines["product"],
        "price": placed.lines["unit"],
    }


def against_weekday(count_of):
    """Return each day's count as a share of the median of the same weekday of the last four weeks."""
    return {
        day: (count_of(day), median(count_of(day - 7 * week) for week in (1, 2, 3, 4)))
        for day in range(FIRST + 28, LAST)
    }


def test_a_days_lines_stay_near_the_same_weekdays(lines):
    counts = np.bincount(lines["day"], minlength=LAST)
    shares = [count / usual for count, usual in against_weekday(lambda day: int(counts[day])).values()]
    assert min(shares) > 0.8
    assert max(shares) < 1.25


def test_no_facility_that_usually_sells_has_an_empty_day(lines):
    for number in range(len(FACILITIES)):
        counts = np.bincount(lines["day"][lines["facility"] == number], minlength=LAST)
        days = against_weekday(lambda day, counts=counts: int(counts[day]))
        assert [day for day, (count, usual) in days.items() if usual >= 15 and count < usual * 0.3] == []


def test_a_products_mean_price_stays(lines):
    seen = defaultdict(lambda: defaultdict(list))
    for day, product, price in zip(lines["day"], lines["product"], lines["price"], strict=True):
        seen[product][day].append(price)
    for days in seen.values():
        means = [np.mean(prices) for prices in days.values() if len(prices) >= 3]
        if means:
            assert max(means) / min(means) < 1.12


def test_the_size_grows_with_the_scale(lines):
    assert len(lines["day"]) / (LAST - FIRST) == pytest.approx(560 * lines["scale"], rel=0.1)


@pytest.mark.parametrize("facility", [pytest.param(f, id=f.name) for f in FACILITIES if f.closed < 1_000])
def test_a_facility_winds_down_and_sells_nothing_once_it_is_closed(facility):
    days = range(facility.closed - 75 if facility.closed > 75 else 0, facility.closed + 3)
    orders = World(7, 10.0, days[-1] + 1).placed(days).orders
    sold = orders["at"][orders["facility"] == facility.facility_id - 1]
    dates = np.maximum(local_day(facility.timezone, sold) - days[0], 0)
    counts = np.bincount(dates, minlength=len(days))
    assert counts[facility.closed - days[0] :].sum() == 0
    assert 0 < counts[facility.closed - days[0] - 28 : facility.closed - days[0]].mean() < 15
