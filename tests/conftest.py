"""How tests are shared out: a folder at a time, since its fixtures start servers and Spark once for all of it."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# Airflow lives in an environment of its own; `make test` runs these folders there.
collect_ignore = [] if find_spec("airflow") else ["orchestration", "cluster_api"]
# Seven minutes of a real Airflow: `make airflow-test`.
if "CALVE_TEST_AIRFLOW" not in os.environ:
    collect_ignore.append("airflow_for_real")


class Folder(pytest.Package):
    """One folder of tests: what its fixtures of scope `package` start ends before the next folder's begins."""

    def setup(self) -> None:
        """Nothing: there is no `__init__.py`, since a folder's helpers are imported by their own names."""


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Make each folder right here one; others are pytest's own."""
    if path.parent == Path(__file__).parent and path.name != "__pycache__":
        found: pytest.Collector = Folder.from_parent(parent, path=path)
        return found
    return None


class ByFolder(LoadScopeScheduling):
    """Gives all tests of one folder to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("/")[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFolder:
    """Share out by folder, in the folders' order."""
    return ByFolder(config, log)
