"""How tests are shared out: a folder at a time, since its fixtures start servers and Spark once for all of it."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling


class ByFolder(LoadScopeScheduling):
    """Gives all tests of one folder to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("/")[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFolder:
    """Share out by folder, in the folders' order."""
    return ByFolder(config, log)
