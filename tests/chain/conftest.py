"""One engine, one Spark session and one filled lake for this folder; tests work on clones of the lake."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "oracle"))

from chain_engine import Engine, Lake, new_lake, started
from days_story import Story, live_through
from the_history import HISTORY_END, SCALE


@pytest.fixture(scope="package")
def chain() -> Iterator[Engine]:
    """The running parts."""
    with started() as running:
        yield running


@pytest.fixture(scope="package")
def history(chain: Engine) -> Lake:
    """A lake whose both pipelines published 125 days as one interval. Only clone it."""
    return new_lake(chain, HISTORY_END, scale=SCALE)


@pytest.fixture
def lake(chain: Engine, history: Lake) -> Iterator[Lake]:
    """A lake of the test's own, with the history published."""
    with chain.clone(history) as cloned:
        yield cloned


@pytest.fixture(scope="package")
def story(chain: Engine, history: Lake) -> Iterator[Story]:
    """The history and three days more, published and served. Only read it."""
    with chain.clone(history) as cloned:
        yield live_through(cloned, HISTORY_END)
