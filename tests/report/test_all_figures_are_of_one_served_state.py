"""What the page shows was served at one time: figures are read again when Snowflake was switched meanwhile."""

from __future__ import annotations

import pytest

from calve.errors import WarehouseUnavailableError
from calve.report.figures import TRIES, gather


class Switched:
    """Views that are empty but for publications, of which one more is there at each of the first readings."""

    def __init__(self, *, times: int) -> None:
        self.times, self.readings = times, 0

    def __call__(self, sql: str) -> list[dict[str, int]]:
        if "reporting.publication" not in sql:
            return []
        self.readings += 1
        return [{"publication": min(self.readings, self.times)}]


def test_figures_of_a_state_that_rests_are_read_once():
    views = Switched(times=1)
    assert gather(views).publications == [{"publication": 1}]
    assert views.readings == 2


def test_figures_are_read_again_when_what_is_served_is_switched_meanwhile():
    views = Switched(times=2)
    assert gather(views).publications == [{"publication": 2}]
    assert views.readings == 4


def test_a_page_of_what_is_switched_all_the_time_is_refused_and_may_be_tried_again():
    with pytest.raises(WarehouseUnavailableError, match=f"switched during each of {TRIES} readings") as refused:
        gather(Switched(times=1000))
    assert refused.value.retryable
