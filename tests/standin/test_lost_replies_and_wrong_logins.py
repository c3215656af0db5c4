import json
import urllib.request

import pytest
from snowflake.connector.errors import DatabaseError, Error, OperationalError, ProgrammingError


@pytest.fixture
def fault(standin):
    """Order a fault from the stand-in."""

    def order(**asked):
        request = urllib.request.Request(
            f"http://127.0.0.1:{standin.port}/_faults", data=json.dumps(asked).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=5) as reply:
            return json.load(reply)

    return order


def impatient(standin):
    return standin.connect(network_timeout=2)


def schemas(admin):
    return {row[1] for row in admin("show schemas in database lake")}


def test_a_lost_reply_leaves_the_change_and_an_error(standin, admin, fault):
    fault(kind="lost", pattern="rename to")
    with impatient(standin) as connection, pytest.raises(OperationalError):
        connection.cursor().execute("alter schema lake.idle_e1 rename to lake.idle_e2")
    assert "IDLE_E2" in schemas(admin)


def test_the_connectors_own_retry_does_not_execute_twice(standin, admin, fault):
    admin("create table lake.live.t (n number)")
    fault(kind="lost_once", pattern="insert into")
    with standin.connect() as connection:
        connection.cursor().execute("insert into lake.live.t values (1)")
    assert admin("select count(*) from lake.live.t") == [(1,)]


def test_a_dropped_request_changes_nothing(standin, admin, fault):
    fault(kind="dropped", pattern="rename to")
    with impatient(standin) as connection, pytest.raises(OperationalError):
        connection.cursor().execute("alter schema lake.idle_e1 rename to lake.idle_e2")
    assert "IDLE_E1" in schemas(admin)


def test_a_failed_statement_changes_nothing_and_the_next_succeeds(admin, fault):
    fault(kind="failed", pattern="swap with")
    with pytest.raises(ProgrammingError) as failed:
        admin("alter schema lake.live swap with lake.idle_e1")
    assert failed.value.errno == 603
    admin("alter schema lake.live swap with lake.idle_e1")


def test_a_fault_of_unknown_kind_is_refused(fault):
    with pytest.raises(urllib.error.HTTPError, match="400"):
        fault(kind="earthquake", pattern=".")


def test_a_wrong_password_is_refused_with_snowflakes_number(serve):
    running = serve(password="right")
    with pytest.raises(DatabaseError, match="Incorrect username or password was specified") as failed:
        running.connect(password="wrong")
    assert failed.value.errno == 390100
    running.connect(password="right").close()


def test_session_parameters_of_a_login_are_kept_or_refused(standin):
    with standin.connect(session_parameters={"QUERY_TAG": "pub_7", "TIMEZONE": "UTC"}) as connection:
        shown = {row[0]: row[1] for row in connection.cursor().execute("show parameters").fetchall()}
    assert shown["QUERY_TAG"] == "pub_7"
    with pytest.raises(DatabaseError, match="does not model session parameter WEEK_START"):
        standin.connect(session_parameters={"WEEK_START": 1})
    with pytest.raises(DatabaseError, match="does not model AUTOCOMMIT = FALSE"):
        standin.connect(autocommit=False)


def test_health_tells_version_and_state(standin, admin):
    def health():
        with urllib.request.urlopen(f"http://127.0.0.1:{standin.port}/health", timeout=5) as reply:
            return json.load(reply)

    before = health()
    admin("create schema lake.another")
    after = health()
    assert before["status"] == "ok"
    assert after["state_id"] == before["state_id"]
    assert after["state"] == before["state"] + 1


def test_an_expired_session_is_an_error_not_a_hang(standin):
    connection = standin.connect(network_timeout=3)
    connection.rest.update_tokens("no such token", "nor this")
    with pytest.raises(Error):
        connection.cursor().execute("select 1")
