"""A session is in UTC and tagged; what can't be reached is retryable, what is refused is not."""

from __future__ import annotations

import socket

import pytest
from pydantic import SecretStr

from calve.errors import SettingsError, WarehouseUnavailableError
from calve.warehouse import connection
from calve.warehouse.connection import connect, execute
from calve.warehouse.expose import expose


def test_a_session_is_in_utc_and_carries_its_tag(settings):
    conn = connect(settings, tag="calve revenue@2026-01-02#0")
    shown = {row["key"]: row["value"] for row in execute(conn, "SHOW PARAMETERS")}
    conn.close()
    assert (shown["TIMEZONE"], shown["QUERY_TAG"]) == ("UTC", "calve revenue@2026-01-02#0")


@pytest.mark.parametrize(
    ("change", "role", "message"),
    [
        pytest.param({"snowflake_password": SecretStr("wrong")}, None, "Incorrect username or password", id="password"),
        pytest.param({}, "NO_SUCH_ROLE", "with role NO_SUCH_ROLE refused", id="role"),
    ],
)
def test_a_refused_login_is_not_retryable(settings, change, role, message):
    with pytest.raises(SettingsError, match=message) as raised:
        connect(settings.model_copy(update=change), role)
    assert raised.value.exit_code == 65
    assert "wrong" not in str(raised.value)


def test_a_dead_snowflake_is_retryable_and_the_next_expose_serves(settings, conn, lake, snowflake, monkeypatch):
    monkeypatch.setattr(connection, "LOGIN_TIMEOUT_SECONDS", 1)
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = settings.model_copy(update={"snowflake_port": nobody.getsockname()[1]})
        with pytest.raises(WarehouseUnavailableError, match="calve local status") as raised:
            expose(dead, conn, lake.project)
    assert raised.value.exit_code == 75
    assert snowflake.served()["FCT_SALE"] == 2
    expose(settings, conn, lake.project)
    assert snowflake.served()["FCT_SALE"] == 3


def test_no_statement_is_sent_twice(settings, snowflake):
    snowflake.sql("create database {db}")
    snowflake.sql("create table {db}.public.t (n number(10,0))")
    conn = connect(settings)
    snowflake.fault("lost_once", "insert into {db}")  # a second request would get the stored reply
    with pytest.raises(WarehouseUnavailableError, match="it may have been applied"):
        execute(conn, f"insert into {snowflake.names.database}.public.t values (1)")
    assert snowflake.sql("select count(*) from {db}.public.t") == [(1,)]
