"""What a task tells at its end: a blocked run at once, a failure after its last try; what is over closes."""

import pytest
from airflow.sdk.exceptions import AirflowException
from driving import RULE, RUN

from calve.alerts.kept import open_alerts
from calve.standin.kubernetes.play import terminated


@pytest.fixture
def told(driven):
    """Return what is told and open: kind, part, and whether it recovered."""

    def ask():
        return [
            (kept.alert.kind, kept.alert.part, kept.recovered_at is not None)
            for kept in open_alerts(driven.records.conn)
        ]

    return ask


@pytest.fixture
def fails(driven):
    """Return a function that runs a try whose driver ends with a code."""

    def run(code, **task):
        def step(name):
            driven.play.run(name)
            driven.play.end(name, code)

        with pytest.raises(AirflowException):
            driven.run(step, **task)

    return run


def blocks(driven, name):
    driven.play.run(name)
    driven.records.verdict("blocked", [RULE])
    driven.play.end(name, 65)


def test_a_try_that_will_be_tried_again_tells_nothing(fails, told):
    fails(75)
    assert told() == []


def test_the_last_try_tells_its_failure(fails, told):
    fails(75, try_number=5)
    assert told() == [("failed", "", False)]


def test_a_failure_that_no_retry_helps_is_told_at_once_and_once(fails, told):
    fails(65)
    fails(65, try_number=2)
    assert told() == [("failed", "", False)]


def test_a_blocked_run_names_rule_and_counts_and_no_row(driven, told):
    with pytest.raises(AirflowException):
        driven.run(lambda name: blocks(driven, name))
    (kept,) = open_alerts(driven.records.conn)
    assert told() == [("blocked", "", False)]
    assert "fct_order_line: complete(facility_id): 36 of 641, 6 allowed" in kept.alert.cause
    assert "Lovelace" not in str(kept)


def test_a_publication_closes_what_the_failure_opened(driven, fails, told):
    fails(65)

    def step(name):
        driven.play.run(name)
        driven.records.publish()
        driven.play.end(name)

    driven.run(step, try_number=2)
    assert told() == [("failed", "", True)]


def test_a_step_that_failed_is_told_and_its_success_closes_it(driven, told):
    def fail(name):
        driven.play.set_pod(name, "Failed", terminated(65))

    made = {"run_key": RUN.key}
    with pytest.raises(AirflowException):
        driven.run(fail, operator=driven.command("expose"), made=made)
    assert told() == [("failed", "expose", False)]
    driven.run(
        lambda name: driven.play.set_pod(name, "Succeeded"), operator=driven.command("expose"), made=made, try_number=2
    )
    assert told() == [("failed", "expose", True)]


def test_an_alert_that_can_not_be_kept_keeps_no_run_from_being_green(driven):
    def step(name):
        driven.play.run(name)
        driven.records.publish()
        driven.records.conn.execute("drop table calve.alert cascade")
        driven.play.end(name)

    assert driven.run(step)["publication"] == 1
