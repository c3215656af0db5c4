"""A real PostgreSQL and a real S3 protocol for the lake's tests: a new database and a new bucket per test."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import psycopg
import pytest
from pydantic import SecretStr
from small_lake import Lake

from calve.lake.lease import Holder, Lease, acquire
from calve.lake.records import Connection, connect, migrate
from calve.settings import Settings
from private_postgres import postgres_server


@pytest.fixture(scope="package")
def postgres() -> Iterator[Path]:
    """Start a PostgreSQL server; the folder of its socket."""
    with postgres_server() as folder:
        yield folder


@pytest.fixture(scope="package")
def object_store() -> Iterator[str]:
    """Start an S3 server in memory; its endpoint."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def empty_lake(postgres: Path, object_store: str) -> Iterator[Settings]:
    """Make a database and a bucket for the time of a block."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={postgres}", autocommit=True) as admin:
        admin.execute(f"create database {name}")
        store = boto3.client(
            "s3",
            endpoint_url=object_store,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        store.create_bucket(Bucket=f"b-{name}")
        yield Settings(
            source_url=SecretStr("postgresql://unused"),
            catalog_url=SecretStr(f"postgresql://postgres@/{name}?host={postgres}"),
            warehouse=f"s3://b-{name}/lake",
            s3_endpoint=object_store,
            s3_access_key_id=SecretStr("test"),
            s3_secret_access_key=SecretStr("test"),
            hash_key=SecretStr("key"),
        )
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def settings(postgres: Path, object_store: str) -> Iterator[Settings]:
    """Settings of an empty lake."""
    with empty_lake(postgres, object_store) as found:
        yield found


@pytest.fixture(scope="module")
def module_settings(postgres: Path, object_store: str) -> Iterator[Settings]:
    """Settings of an empty lake that a whole module shares."""
    with empty_lake(postgres, object_store) as found:
        yield found


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    """A connection to the migrated database of the records."""
    with connect(settings) as connection:
        migrate(connection)
        yield connection


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment in which `calve …` finds the lake of these settings, and this repository's contracts."""
    monkeypatch.setenv("CALVE_PROFILE", "cluster")
    monkeypatch.setenv("CALVE_PROJECT", str(Path(__file__).parents[2]))
    for name in ("source_url", "catalog_url", "hash_key"):
        monkeypatch.setenv(f"CALVE_{name.upper()}", getattr(settings, name).get_secret_value())
    monkeypatch.setenv("CALVE_WAREHOUSE", settings.warehouse)


@pytest.fixture
def lease(conn: Connection) -> Lease:
    """The lease of the pipeline `revenue`."""
    return acquire(conn, "revenue", "revenue@2026-01-02#0", Holder.here(), 60)


@pytest.fixture
def lake(settings: Settings, conn: Connection) -> Lake:
    """A lake with the pipeline `revenue` of the datasets `a` and `b`, nothing published."""
    return Lake.create(settings, conn)
