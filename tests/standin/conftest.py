"""A stand-in that really listens, and a lake that really is Iceberg on S3."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import boto3
import pyarrow as pa
import pytest
import snowflake.connector
from moto.server import ThreadedMotoServer
from pyiceberg.catalog.sql import SqlCatalog

from calve.standin.snowflake.engine import Engine, ObjectStore
from calve.standin.snowflake.server import Server
from calve.standin.snowflake.serving import uvicorn_server
from calve.standin.snowflake.store import Store

BUCKET = "calve-standin"
KEYS = ("test", "testing-secret")


@dataclass(frozen=True)
class Running:
    """A stand-in that listens; `connect` logs in with the real connector."""

    port: int

    def connect(self, **options):
        chosen = {"user": "ada", "password": "secret", "account": "local", "login_timeout": 5, **options}
        return snowflake.connector.connect(host="127.0.0.1", port=self.port, protocol="http", **chosen)


@dataclass
class Lake:
    """Iceberg tables on S3; `publish` copies a table's metadata to where Snowflake reads it."""

    catalog: SqlCatalog
    s3: object
    copies: list[str] = field(default_factory=list)

    def write(self, name: str, rows: pa.Table) -> str:
        table = self.catalog.create_table_if_not_exists(f"curated.{name}", schema=rows.schema)
        table.overwrite(rows)
        return self.publish(name)

    def publish(self, name: str) -> str:
        location = self.catalog.load_table(f"curated.{name}").metadata_location
        relative = f"_published/{len(self.copies):05d}/{name}.metadata.json"
        source = location.removeprefix(f"s3://{BUCKET}/")
        self.s3.copy_object(Bucket=BUCKET, Key=f"lake/{relative}", CopySource={"Bucket": BUCKET, "Key": source})
        self.copies.append(relative)
        return relative

    def snapshot(self, name: str) -> str:
        return str(self.catalog.load_table(f"curated.{name}").current_snapshot().snapshot_id)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 server in this process."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def lake(s3_endpoint, tmp_path) -> Lake:
    """An empty lake in an empty bucket."""
    access, secret = KEYS
    client = boto3.client(
        "s3", endpoint_url=s3_endpoint, aws_access_key_id=access, aws_secret_access_key=secret, region_name="us-east-1"
    )
    client.create_bucket(Bucket=BUCKET)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for entry in page.get("Contents", []):
            client.delete_object(Bucket=BUCKET, Key=entry["Key"])
    catalog = SqlCatalog(
        "lake",
        uri=f"sqlite:///{tmp_path}/catalog.db",
        warehouse=f"s3://{BUCKET}/lake",
        **{
            "s3.endpoint": s3_endpoint,
            "s3.access-key-id": access,
            "s3.secret-access-key": secret,
            "s3.region": "us-east-1",
        },
    )
    catalog.create_namespace("curated")
    return Lake(catalog, client)


@pytest.fixture
def serve(s3_endpoint) -> Iterator[Callable[..., Running]]:
    """Start stand-ins; `folder` keeps their state, `stop()` of the last ends it early."""
    stops: list[Callable[[], None]] = []

    def start(folder=None, password=None) -> Running:
        engine = Engine(ObjectStore(s3_endpoint, "us-east-1", *KEYS), folder)
        store = Store(folder)
        engine.sweep(store.current.native_ids())
        server = uvicorn_server(Server(store, engine, password), "127.0.0.1", 0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]

        def stop() -> None:
            server.should_exit = True
            thread.join(10)
            engine.close()

        stops.append(stop)
        return Running(port)

    start.stop = lambda: stops.pop()()
    yield start
    for stop in stops:
        stop()


@pytest.fixture
def standin(serve) -> Running:
    """A stand-in that knows nothing yet."""
    return serve()


@pytest.fixture
def admin(standin) -> Iterator[Callable[..., list[tuple]]]:
    """Run statements as ACCOUNTADMIN in a database LAKE with the schemas LIVE and IDLE_E1."""
    connection = standin.connect()
    with connection, connection.cursor() as cursor:

        def run(sql, *parameters):
            return cursor.execute(sql, *parameters).fetchall()

        for statement in SETUP:
            run(statement)
        yield run


SETUP = (
    "create database lake",
    "create schema lake.live",
    "create schema lake.idle_e1",
    "create schema lake.reporting",
    f"""create external volume calve_lake
        storage_locations = ((
            name = 'main' storage_provider = 'S3' storage_base_url = 's3://{BUCKET}/lake/'
            storage_aws_role_arn = 'arn:aws:iam::000000000000:role/calve'
        ))
        allow_writes = false""",
    "create catalog integration calve_object_store catalog_source = object_store table_format = iceberg enabled = true",
)


def iceberg_table(name: str, path: str) -> str:
    """Return the statement that makes an external Iceberg table."""
    return (
        f"create iceberg table {name} external_volume = 'calve_lake' catalog = 'calve_object_store' "
        f"metadata_file_path = '{path}'"
    )
