"""The chart: rendered by Helm, and installed into a real control plane (`make cluster-test`)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

collect_ignore_glob = [] if os.environ.get("CALVE_TEST_CLUSTER") else ["test_*.py"]


@pytest.fixture(scope="package")
def installing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A control plane without nodes, and Helm and kubectl for it."""
    from charts.installing import Installing

    folder: Path = tmp_path_factory.mktemp("plane")
    found = Installing(folder)
    try:
        found.plane.start()
        yield found
    finally:
        found.plane.stop()
