"""A stand-in that really listens, and a lake that really is Iceberg on S3."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from moto.server import ThreadedMotoServer
from standing_in import BUCKET, KEYS, SETUP, Lake, Running, new_lake

from calve.standin.snowflake.engine import Engine, ObjectStore
from calve.standin.snowflake.server import Server
from calve.standin.snowflake.serving import uvicorn_server
from calve.standin.snowflake.store import Store


@pytest.fixture(scope="package")
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
    return new_lake(s3_endpoint, tmp_path, BUCKET)


@pytest.fixture(scope="package")
def engine(s3_endpoint) -> Iterator[Engine]:
    """One DuckDB for all stand-ins that keep nothing; what they know is in their stores."""
    engine = Engine(ObjectStore(s3_endpoint, "us-east-1", *KEYS), None)
    yield engine
    engine.close()


@pytest.fixture
def serve(s3_endpoint, engine) -> Iterator[Callable[..., Running]]:
    """Start stand-ins; `folder` keeps their state, `stop()` of the last ends it early."""
    stops: list[Callable[[], None]] = []

    def start(folder=None, password=None) -> Running:
        own = engine if folder is None else Engine(ObjectStore(s3_endpoint, "us-east-1", *KEYS), folder)
        store = Store(folder)
        if own is not engine:
            own.sweep(store.current.native_ids())
        server = uvicorn_server(Server(store, own, password), "127.0.0.1", 0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]

        def stop() -> None:
            server.should_exit = True
            thread.join(10)
            if own is not engine:
                own.close()

        stops.append(stop)
        return Running(port)

    def stop_last() -> None:
        stops.pop()()

    start.stop = stop_last
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
