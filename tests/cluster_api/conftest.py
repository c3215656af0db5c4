"""The stand-in, and the unmodified clients that talk to it. Runs where the clients are: `.venv-airflow`."""

from importlib.util import find_spec

import pytest

from calve.standin.kubernetes.server import Server

collect_ignore_glob = [] if find_spec("kubernetes_asyncio") else ["test_*.py"]
NAMESPACE = "calve"


@pytest.fixture
def server():
    """A server of its own for each test."""
    with Server(NAMESPACE) as running:
        yield running


@pytest.fixture
def clients(server, tmp_path):
    """Return the synchronous client's view of the server, from its kubeconfig."""
    from api_clients import Clients

    with Clients(server.write_kubeconfig(tmp_path / "kubeconfig")) as found:
        yield found


@pytest.fixture
def apps(clients):
    """Return the SparkApplications."""
    return clients.applications


@pytest.fixture
def core(clients):
    """Return the core API."""
    return clients.core
