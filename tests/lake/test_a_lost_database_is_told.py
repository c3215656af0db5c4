"""A database of the records that ends a connection, by whatever error, is told as unavailable and looked up again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from pydantic import SecretStr
from small_lake import Lake, day

from calve.errors import LakeUnavailableError, SettingsError
from calve.lake.catalog import table_state
from calve.lake.publication import history, publish
from calve.lake.records import Connection, connect, migrate, query, transaction
from calve.settings import Settings

STRANGER = "stranger"
SECRET = "se" + "cret"


@pytest.fixture
def impatient(settings: Settings, conn: Connection) -> Iterator[Connection]:
    """A connection whose transactions the server ends as soon as they idle: an error of the class InternalError."""
    with connect(settings) as found:
        found.execute("set idle_in_transaction_session_timeout = 1")
        yield found


@pytest.fixture
def as_stranger(settings: Settings) -> Iterator[Settings]:
    """Settings of a role that has no right in the database."""
    with connect(settings) as owner:
        owner.execute(f"create role {STRANGER} login".encode())
        url = settings.catalog_url.get_secret_value().replace("//postgres@", f"//{STRANGER}@")
        yield settings.model_copy(update={"catalog_url": SecretStr(url)})
        owner.execute(f"drop role {STRANGER}".encode())


def until_gone(pid: int, other: Connection) -> None:
    while query(other, "select from pg_stat_activity where pid = %s", (pid,)):
        pass


def test_a_record_in_a_transaction_that_the_server_ended_is_told_as_unavailable(impatient, conn):
    # PostgreSQL's library tells the server's reason, or only that the connection is gone, by which it reads first.
    told = "idle-in-transaction timeout|server closed the connection"
    with pytest.raises(LakeUnavailableError, match=told), transaction(impatient):
        until_gone(impatient.info.backend_pid, conn)


def test_what_is_asked_of_a_lost_connection_is_told_as_unavailable(settings, conn):
    with connect(settings) as lost:
        conn.execute("select pg_terminate_backend(%s, 10000)", (lost.info.backend_pid,))
        with pytest.raises(LakeUnavailableError):
            query(lost, "select 1")
        with pytest.raises(LakeUnavailableError), transaction(lost) as cursor:
            cursor.execute("select 1")


def test_a_publication_whose_transaction_the_server_ended_is_looked_up_and_made(lake: Lake, impatient):
    lease = lake.lease()
    lake.stage(day(1), lease)
    published = publish(lake.settings, impatient, day(1), lease.epoch)
    assert impatient.closed
    assert [each.number for each in history(lake.conn)] == [published.number] == [1]
    for table in published.tables:
        assert table_state(lake.catalog, table.name).metadata_location == table.metadata_location
    assert lake.runs_in("curated.a") == lake.runs_in("curated.b") == [day(1).key]


def test_a_role_without_rights_is_told_what_it_lacks(as_stranger):
    with connect(as_stranger) as conn, pytest.raises(SettingsError, match=r"permission denied .* CALVE_CATALOG_URL"):
        migrate(conn)


def test_a_statement_that_is_wrong_is_not_blamed_on_the_database(conn):
    with pytest.raises(psycopg.errors.UndefinedTable):
        query(conn, "select 1 from calve.no_such_table")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"postgresql://me:{SECRET}%zz@127.0.0.1:1/calve", id="percent sign in the password"),
        pytest.param(f"postgresql://me:x@{SECRET}@127.0.0.1:1/calve", id="at sign in the password"),
        pytest.param(f"postgresql://me:{SECRET}/x@127.0.0.1:1/calve", id="slash in the password"),
        pytest.param(f"postgresql://me:{SECRET}@127.0.0.1:one/calve", id="port that is no number"),
    ],
)
def test_a_malformed_address_is_told_without_a_word_of_it(settings, url):
    with pytest.raises(SettingsError) as told:
        connect(settings.model_copy(update={"catalog_url": SecretStr(url)}))
    assert "CALVE_CATALOG_URL" in str(told.value)
    assert SECRET not in str(told.value)
