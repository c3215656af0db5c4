"""A real PostgreSQL, local receivers over TLS, and this repository's contracts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from receivers import PagerDuty, Slack, certificate, server_context, serving
from smtp_server import Mailbox, receiving

from calve.alerts.routes import IncidentTarget, MailTarget, Route, Routes, SlackTarget
from calve.contract.loader import load_project
from calve.contract.project import Project
from calve.lake.records import Connection, connect, migrate
from calve.settings import RecordsSettings
from private_postgres import postgres_server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="package")
def postgres() -> Iterator[Path]:
    """Start a PostgreSQL server; the folder of its socket."""
    with postgres_server() as folder:
        yield folder


@pytest.fixture
def settings(postgres: Path) -> Iterator[RecordsSettings]:
    """Settings of empty records."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={postgres}", autocommit=True) as admin:
        admin.execute(f"create database {name}")
        yield RecordsSettings(catalog_url=SecretStr(f"postgresql://postgres@/{name}?host={postgres}"), project=ROOT)
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def conn(settings: RecordsSettings) -> Iterator[Connection]:
    """A connection to the migrated records."""
    with connect(settings) as connection:
        migrate(connection)
        yield connection


@pytest.fixture(scope="session")
def project() -> Project:
    """The contracts and pipelines of this repository."""
    return load_project(ROOT)


@pytest.fixture(scope="session")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate of localhost, and its key."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def trusted(paths, monkeypatch) -> None:
    """Trust the certificate of localhost, as a company's own is trusted; use no proxy."""
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def slack(paths) -> Iterator[Slack]:
    """A Slack channel."""
    with serving(Slack(), paths) as receiver:
        yield receiver


@pytest.fixture
def pagerduty(paths) -> Iterator[PagerDuty]:
    """A PagerDuty service."""
    with serving(PagerDuty(), paths) as receiver:
        yield receiver


@pytest.fixture
def mailbox(paths) -> Iterator[Mailbox]:
    """An SMTP server that offers STARTTLS."""
    with receiving(Mailbox(), server_context(paths)) as box:
        yield box


@dataclass(frozen=True)
class Services:
    """All three, for tests that ask all of them."""

    slack: Slack
    pagerduty: PagerDuty
    mailbox: Mailbox

    def taken(self) -> tuple[int, int, int]:
        """Return how many messages each took."""
        return len(self.slack.accepted), len(self.pagerduty.accepted), len(self.mailbox.mails)


@pytest.fixture
def services(slack, pagerduty, mailbox) -> Services:
    """All three services."""
    return Services(slack, pagerduty, mailbox)


@pytest.fixture
def environment(slack, pagerduty, mailbox) -> dict[str, str]:
    """The variables that the routes of these tests name."""
    return {
        "SLACK": slack.url,
        "KEY": pagerduty.routing_key,
        "CALVE_ALERTS_PAGERDUTY_URL": pagerduty.base,
        "CALVE_ALERTS_SMTP_HOST": "localhost",
        "CALVE_ALERTS_SMTP_PORT": str(mailbox.port),
        "CALVE_ALERTS_SMTP_FROM": "calve@example.com",
    }


@pytest.fixture
def routes() -> Routes:
    """Every alert to every kind of route; a recovery settles at once."""
    return Routes(
        settle_minutes=0,
        routes=(
            Route(route="channel", slack=SlackTarget(webhook="SLACK")),
            Route(route="on_call", incident=IncidentTarget(routing_key="KEY")),
            Route(route="people", mail=MailTarget(to=("a@example.com", "b@example.com"))),
        ),
    )
