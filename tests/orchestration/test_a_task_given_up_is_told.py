"""Whatever makes Airflow give a task up is told: what fails before anything runs, and a worker that is lost, too."""

import logging

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from driving import RUN, context_of, given_up

from calve.airflow.operator import NeedsOperator
from calve.alerts.alert import Link
from calve.alerts.kept import open_alerts
from calve.standin.kubernetes.play import terminated


@pytest.fixture
def told(driven):
    """Return the alerts that are open."""
    return lambda: [kept.alert for kept in open_alerts(driven.records.conn) if kept.recovered_at is None]


def fails(driven, name):
    driven.play.run(name)
    driven.play.end(name, 65)


def fails_as_a_pod(driven):
    return lambda name: driven.play.set_pod(name, "Failed", terminated(65))


def succeeds_as_a_pod(driven):
    return lambda name: driven.play.set_pod(name, "Succeeded")


def test_a_manifest_that_the_cluster_refuses_is_told_and_tried_once(driven, told):
    driven.cluster.fault(method="POST", status=403, times=9)
    with pytest.raises(AirflowFailException):
        driven.run()
    (alert,) = told()
    assert alert.title == "revenue 2026-01-02: failed before it had a verdict"
    assert "(403)" in alert.cause


def test_a_missing_setting_is_told_and_tried_once(driven, told, monkeypatch):
    monkeypatch.delenv("CALVE_KUBERNETES_IMAGE")
    with pytest.raises(AirflowFailException):
        driven.run()
    assert "CALVE_KUBERNETES_IMAGE" in told()[0].cause


def test_a_mistake_of_code_is_told_when_its_tries_are_over(driven, told):
    operator = driven.operator()
    operator.project_folder = None
    with pytest.raises(TypeError):
        driven.run(operator=operator)
    assert told() == []
    operator.project_folder = str(driven.project)
    given_up(operator, context_of() | {"exception": TypeError("no folder")})
    assert told()[0].cause == "TypeError: no folder"


def test_an_interval_that_can_not_be_is_told_to_who_asked_for_it(driven, told):
    with pytest.raises(AirflowFailException, match="yesterday"):
        driven.run(day=None, kind="manual", form={"interval": "yesterday"})
    assert told() == []


def test_a_worker_that_is_lost_is_told(driven, told):
    given_up(driven.operator(), context_of())
    (alert,) = told()
    assert (alert.kind, str(alert.interval)) == ("failed", "2026-01-02")
    assert "The worker was lost" in alert.cause


def test_a_worker_that_is_lost_is_told_when_airflow_says_no_more_of_it(driven, told):
    given_up(driven.operator(), {"ti": context_of()["ti"]})
    assert [alert.kind for alert in told()] == ["failed"]


def test_a_lost_worker_takes_the_place_of_no_cause_that_is_known(driven, told):
    with pytest.raises(AirflowException):
        driven.run(lambda name: fails(driven, name))
    known = told()
    given_up(driven.operator(), context_of())
    assert told() == known


def test_a_wait_that_is_given_up_is_told(driven, told):
    wait = NeedsOperator(
        task_id="wait", needs=["reference"], pipeline="revenue", project_folder=str(driven.project), patience_seconds=1
    )
    given_up(wait, context_of() | {"exception": RuntimeError("trigger failed")})
    assert [alert.cause for alert in told()] == ["RuntimeError: trigger failed"]


def test_a_command_that_works_for_no_run_is_told(driven, told):
    with pytest.raises(AirflowException):
        driven.run(fails_as_a_pod(driven), operator=driven.command("expose"), made=None)
    (alert,) = told()
    assert (alert.pipeline, alert.part, alert.run_key) == ("revenue", "expose", None)


def test_a_step_that_failed_for_one_day_closes_by_its_success_for_another(driven, told):
    with pytest.raises(AirflowException):
        driven.run(fails_as_a_pod(driven), operator=driven.command("expose"), made={"run_key": RUN.key})
    made = {"run_key": "revenue@2026-01-04#0"}
    driven.run(succeeds_as_a_pod(driven), operator=driven.command("expose"), made=made, run_id="backfill__2026-01-04")
    assert told() == []


def test_what_to_type_and_where_to_look_have_places_of_their_own(driven, told):
    context = context_of()
    context["ti"].log_url = "https://airflow.example.org/dags/revenue"
    with pytest.raises(AirflowFailException) as failed:
        driven.run(lambda name: fails(driven, name))
    given_up(driven.operator(), {**context, "exception": failed.value})
    (alert,) = told()
    assert alert.commands[0].startswith("calve triage revenue-make-")
    assert alert.commands[-1] == "airflow tasks clear revenue -t make --downstream --only-failed"
    assert not {"look:", "again:"} & set(alert.cause.split())
    assert alert.links == (Link("The task in Airflow", "https://airflow.example.org/dags/revenue"),)


def test_an_alert_that_can_not_be_kept_is_logged_and_raises_nothing(driven, caplog):
    driven.records.conn.execute("drop table calve.alert cascade")
    with caplog.at_level(logging.ERROR):
        given_up(driven.operator(), context_of())
    assert "alert not kept" in caplog.text
