"""A Kubernetes API over HTTP, records in a real PostgreSQL, and tasks driven as Airflow drives them.

The API is the stand-in, or a real API server (`make cluster-test`): what is promised here holds on both.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg
import pytest
from driving import Driven, Records, context_of

from calve.lake.records import connect, migrate
from calve.settings import load_records_settings
from cluster.choosing import KINDS, open_gate
from private_postgres import postgres_server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="package")
def postgres():
    """Start a PostgreSQL server; the folder of its socket."""
    with postgres_server() as folder:
        yield folder


@pytest.fixture
def records(postgres, monkeypatch):
    """Records of their own, which `calve` finds by its settings."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={postgres}", autocommit=True) as admin:
        admin.execute(f"create database {name}")
        monkeypatch.setenv("CALVE_PROFILE", "cluster")
        monkeypatch.setenv("CALVE_PROJECT", str(ROOT))
        monkeypatch.setenv("CALVE_CATALOG_URL", f"postgresql://postgres@/{name}?host={postgres}")
        with connect(load_records_settings()) as conn:
            migrate(conn)
            yield Records(conn)
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture(params=KINDS)
def cluster(request):
    """A Kubernetes API, or a namespace, of its own for each test."""
    with open_gate(request) as running:
        yield running


@pytest.fixture
def driven(cluster, records, monkeypatch, tmp_path):
    """The task that makes `revenue` of 2026-01-02, and what drives it."""
    monkeypatch.setenv("CALVE_KUBERNETES_NAMESPACE", cluster.namespace)
    monkeypatch.setenv("CALVE_KUBERNETES_IMAGE", "calve-spark:test")
    monkeypatch.setenv("CALVE_KUBERNETES_KUBECONFIG", str(cluster.write_kubeconfig(tmp_path / "kubeconfig")))
    return Driven(cluster, records, ROOT)


@pytest.fixture
def waiting(driven):
    """Return the trigger of a task that waits for a running application."""
    trigger = driven.deferred(driven.operator(), context_of()).trigger
    driven.play.run(trigger.name)
    return trigger
