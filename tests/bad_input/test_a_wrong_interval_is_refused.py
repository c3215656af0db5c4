"""An interval that can't be made true is refused before anything is begun."""

import pytest

from calve.errors import EX_DATAERR

pytestmark = [pytest.mark.spark, pytest.mark.local]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["--interval", "2199-01-01"], "interval 2199-01-01: ends 2199-01-02", id="in the future"),
        pytest.param(["--interval", "2025-01-05/2025-01-02"], "is not before until 2025-01-02; swap", id="reversed"),
        pytest.param(["--interval", "2025-01-02T06:00"], "expected YYYY-MM-DD", id="not aligned to a day"),
        pytest.param(["--interval", "2025-02-30"], "2025-02-30 is not a date", id="no date"),
        pytest.param(["--interval", "tomorrow"], "interval 'tomorrow': expected YYYY-MM-DD", id="a word"),
        pytest.param(["--interval", "2024-12-31"], "ask for a later one", id="before the pipeline begins"),
        pytest.param(["--interval", "2025-01-02", "--until", "2025-01-03"], "give one of them", id="two intervals"),
    ],
)
def test_the_message_names_it_and_what_is_expected(losing_nothing, refuses, words, told):
    assert told in refuses(losing_nothing.calve("run", "revenue", *words), EX_DATAERR)
