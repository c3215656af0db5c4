"""Maintenance removes alerts that closed long ago, and what was sent of them; nothing that anybody still waits for."""

from dataclasses import replace
from datetime import timedelta

import pytest
from publishing import BLOCKED, FAILED

from calve.alerts.delivery import deliver
from calve.alerts.kept import KEEP, forget, open_alerts, raise_alert, recover
from calve.alerts.outbox import pending, prepare
from calve.lake.records import query

OTHER = replace(FAILED, part="expose")


def rows(conn):
    """Return how many alerts and messages there are."""
    tables = ("alert", "alert_delivery")
    return tuple(conn.execute(f"select count(*) as n from calve.{table}").fetchone()["n"] for table in tables)


def age(conn, by):
    """Let everything be so much older."""
    conn.execute("update calve.alert set closed_at = closed_at - %s, raised_at = raised_at - %s", (by, by))


@pytest.fixture
def told(conn, routes, environment, services):
    """One alert, told by three routes and closed; another one that is open."""
    raise_alert(conn, FAILED)
    raise_alert(conn, BLOCKED)
    deliver(conn, routes, environment)
    recover(conn, "revenue", FAILED.interval, kinds=("failed",))
    deliver(conn, routes, environment)
    assert rows(conn) == (2, 9)
    return conn


def test_what_closed_400_days_ago_goes_with_its_messages(told):
    age(told, timedelta(days=400))
    assert forget(told) == 1
    assert rows(told) == (1, 3)
    assert forget(told) == 0


def test_what_closed_later_stays(told):
    age(told, timedelta(days=399))
    assert forget(told) == 0
    assert rows(told) == (2, 9)


def test_what_is_open_stays_however_old(told):
    age(told, 9 * KEEP)
    forget(told)
    assert [kept.alert.kind for kept in open_alerts(told)] == ["blocked"]


def test_what_a_route_was_not_told_yet_stays(conn, routes):
    raise_alert(conn, FAILED)
    prepare(conn, routes)
    recover(conn, "revenue", FAILED.interval)
    prepare(conn, routes)
    age(conn, 9 * KEEP)
    assert forget(conn) == 0
    assert {(each.route, each.event) for each in pending(conn)} == {
        ("channel", "recovered"),
        ("on_call", "recovered"),
        ("people", "recovered"),
    }


def test_a_cause_that_comes_back_has_the_next_number_though_an_older_one_is_forgotten(conn, routes):
    for by in (KEEP, timedelta(0)):
        raise_alert(conn, OTHER)
        recover(conn, "revenue", OTHER.interval, part="expose")
        conn.execute("update calve.alert set closed_at = clock_timestamp() - %s where closed_at is null", (by,))
    assert forget(conn) == 1
    raise_alert(conn, OTHER)
    found = query(conn, "select opening from calve.alert order by number")
    assert [row["opening"] for row in found] == [2, 3]
