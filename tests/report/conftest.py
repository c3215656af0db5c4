"""A stand-in that holds the served tables as plain rows, with the repository's own views on them."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from served import Served

from calve.report.page import write_page
from calve.settings import Settings
from unused_ports import free_ports

STARTS_WITHIN_SECONDS = 60


@pytest.fixture(scope="package")
def standin_port() -> Iterator[int]:
    """Start the stand-in as a process of its own; its port."""
    (port,) = free_ports(1)
    secrets = {f"CALVE_{name}": "test" for name in ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "SNOWFLAKE_PASSWORD")}
    options = ["--port", str(port), "--s3-endpoint", "http://127.0.0.1:9"]
    process = subprocess.Popen([sys.executable, "-m", "calve.standin.snowflake", *options], env=os.environ | secrets)
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


@pytest.fixture(scope="package")
def new_served(standin_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Served]]:
    """Return a function that makes a database with empty tables and the views on them."""
    made: list[Served] = []

    def create() -> Served:
        settings = Settings(
            source_url=SecretStr("postgresql://unused"),
            catalog_url=SecretStr("postgresql://unused"),
            warehouse="s3://unused/lake",
            hash_key=SecretStr("key"),
            snowflake_host="127.0.0.1",
            snowflake_port=standin_port,
            snowflake_protocol="http",
            snowflake_password=SecretStr("test"),
            snowflake_database=f"T{uuid.uuid4().hex[:12].upper()}",
            report_dir=tmp_path_factory.mktemp("report"),
            state=tmp_path_factory.mktemp("state"),
        )
        made.append(Served(settings))
        return made[-1]

    yield create
    for each in made:
        each.close()


@pytest.fixture
def served(new_served: Callable[[], Served]) -> Served:
    """Empty tables and the views on them, for one test alone."""
    return new_served()


@pytest.fixture(scope="package")
def shop(new_served: Callable[[], Served]) -> Served:
    """A small shop with 14 months of revenue, eleven publications, a blocked run and a quarantine. Don't change it."""
    made = new_served()
    made.fill()
    return made


@pytest.fixture(scope="package")
def page(shop: Served) -> Path:
    """The shop's page."""
    return write_page(shop.settings)
