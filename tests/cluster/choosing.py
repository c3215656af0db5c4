"""Which Kubernetes API the tests talk to: the stand-in, or a real API server when `CALVE_TEST_CLUSTER` is set."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from calve.standin.kubernetes.gate import Gate
from calve.standin.kubernetes.server import Server

STAND_IN, REAL = "stand-in", "kube-apiserver"
KINDS = [REAL] if os.environ.get("CALVE_TEST_CLUSTER") else [STAND_IN]
_running = pytest.StashKey()


def open_gate(request: pytest.FixtureRequest) -> Gate:
    """Return a gate for one test: before a store of its own, or before a namespace of its own."""
    if request.param == STAND_IN:
        return Server("calve")
    return _cluster(request.session).gate()


def _cluster(session: pytest.Session):
    """Return the control plane of this process; it is started once, and ended with the session."""
    from cluster.real import Cluster

    config = session.config
    if _running not in config.stash:
        folder = Path(tempfile.mkdtemp(prefix="calve-kubernetes-"))
        config.stash[_running] = found = Cluster(folder)

        def end() -> None:
            found.stop()
            if session.testsfailed:
                config.get_terminal_writer().line(f"logs of the control plane: {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)

        config.add_cleanup(end)
    return config.stash[_running]
