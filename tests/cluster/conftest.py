"""Real clusters on this machine: a control plane without nodes (`make cluster-test`), and a node (`make e2e`)."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

collect_ignore_glob = [] if os.environ.get("CALVE_TEST_CLUSTER") else ["test_*.py", "e2e"]


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


@pytest.fixture(scope="session")
def engine():
    """Give a Docker engine to whoever calls it; it is started at the first call."""
    from cluster.docker_engine import docker_engine

    with ExitStack() as stack:
        started = []

        def give():
            if not started:
                started.append(stack.enter_context(docker_engine()))
            return started[0]

        yield give


@pytest.fixture(scope="session")
def node_parts(engine):
    """The images that each node has: of its pods' first process, and of its DNS."""
    from cluster.archives import parts_of_a_node

    return list(parts_of_a_node(engine).values())
