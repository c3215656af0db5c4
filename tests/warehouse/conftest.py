"""A real PostgreSQL, a real S3 protocol, real Iceberg files and the stand-in: a new database per test."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import psycopg
import pytest
from asking import Standin
from published_lake import PublishedLake
from pydantic import SecretStr

from calve.lake.records import Connection, connect, migrate
from calve.settings import Settings
from private_postgres import postgres_server
from unused_ports import free_ports

STARTS_WITHIN_SECONDS = 60


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


@pytest.fixture(scope="package")
def standin_port(object_store: str) -> Iterator[int]:
    """Start the stand-in as a process of its own; its port."""
    (port,) = free_ports(1)
    secrets = {f"CALVE_{name}": "test" for name in ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "SNOWFLAKE_PASSWORD")}
    process = subprocess.Popen(
        [sys.executable, "-m", "calve.standin.snowflake", "--port", str(port), "--s3-endpoint", object_store],
        env=os.environ | secrets,
    )
    _wait_until_it_answers(process, port)
    yield port
    process.terminate()
    process.wait(10)


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(STARTS_WITHIN_SECONDS * 20):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            pass
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail("the stand-in did not start")


@contextmanager
def empty_lake(postgres: Path, object_store: str, standin_port: int, folder: Path) -> Iterator[Settings]:
    """Make an empty lake; its settings, with a Snowflake database that does not exist yet."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={postgres}", autocommit=True) as admin:
        admin.execute(f"create database {name}")
        boto3.client(
            "s3",
            endpoint_url=object_store,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ).create_bucket(Bucket=f"b-{name}")
        yield Settings(
            project=folder,
            source_url=SecretStr("postgresql://unused"),
            catalog_url=SecretStr(f"postgresql://postgres@/{name}?host={postgres}"),
            warehouse=f"s3://b-{name}/lake",
            s3_endpoint=object_store,
            s3_access_key_id=SecretStr("test"),
            s3_secret_access_key=SecretStr("test"),
            hash_key=SecretStr("key"),
            snowflake_host="127.0.0.1",
            snowflake_port=standin_port,
            snowflake_protocol="http",
            snowflake_password=SecretStr("test"),
            snowflake_database=name.upper(),
            snowflake_external_volume=f"V_{name.upper()}",
            snowflake_catalog_integration=f"I_{name.upper()}",
        )
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def settings(postgres: Path, object_store: str, standin_port: int, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an empty lake."""
    with empty_lake(postgres, object_store, standin_port, tmp_path) as found:
        yield found


@dataclass
class World:
    """A lake, its records and Snowflake, for tests that take turns on them."""

    settings: Settings
    conn: Connection
    lake: PublishedLake
    snowflake: Standin


@pytest.fixture(scope="module")
def world(
    postgres: Path, object_store: str, standin_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One lake for all tests of a module."""
    folder = tmp_path_factory.mktemp("world")
    with empty_lake(postgres, object_store, standin_port, folder) as settings, connect(settings) as conn:
        migrate(conn)
        yield World(settings, conn, PublishedLake(settings, conn, folder), Standin(settings))


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    """A connection to the migrated database of the records."""
    with connect(settings) as connection:
        migrate(connection)
        yield connection


@pytest.fixture
def lake(settings: Settings, conn: Connection, tmp_path: Path) -> PublishedLake:
    """A lake whose publications a test records as it likes, and the project that they belong to."""
    return PublishedLake(settings, conn, tmp_path)


@pytest.fixture
def snowflake(settings: Settings) -> Iterator[Standin]:
    """The stand-in as an administrator sees it, without any fault."""
    standin = Standin(settings)
    standin.no_faults()
    yield standin
    standin.no_faults()
    standin.close()
