"""One Airflow over one local engine for this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from the_airflow import Airflow, running


@pytest.fixture(scope="module")
def airflow() -> Iterator[Airflow]:
    """All components, on a lake where nothing was published yet."""
    with running() as found:
        yield found
