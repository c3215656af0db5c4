"""A real control plane on this machine, without nodes: what tests of the cluster talk to (`make cluster-test`)."""

import os
from pathlib import Path

import pytest

collect_ignore_glob = [] if os.environ.get("CALVE_TEST_CLUSTER") else ["test_*.py"]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory):
    """A control plane of its own."""
    from cluster.control_plane import ControlPlane

    folder: Path = tmp_path_factory.mktemp("plane")
    found = ControlPlane(folder)
    try:
        found.start()
        yield found
    finally:
        found.stop()
