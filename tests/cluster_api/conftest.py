"""A Kubernetes API, and the unmodified clients that talk to it. Runs where the clients are: `.venv-airflow`.

What is promised here holds of the stand-in and of a real API server alike (`make cluster-test`), but for the runner's
tests: only the stand-in has one.
"""

from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("kubernetes_asyncio") else ["test_*.py"]
if collect_ignore_glob == []:
    from cluster.choosing import KINDS, open_gate


@pytest.fixture(params=KINDS)
def server(request):
    """A server, or a namespace, of its own for each test."""
    with open_gate(request) as running:
        yield running


@pytest.fixture
def namespace(server):
    """Return the namespace of the test."""
    return server.namespace


@pytest.fixture
def clients(server, tmp_path):
    """Return the synchronous client's view of the server, from its kubeconfig."""
    from api_clients import Clients

    with Clients(server.write_kubeconfig(tmp_path / "kubeconfig"), server.namespace) as found:
        yield found


@pytest.fixture
def apps(clients):
    """Return the SparkApplications."""
    return clients.applications


@pytest.fixture
def core(clients):
    """Return the core API."""
    return clients.core
