"""While a contract of another pipeline is wrong: alerts leave, what ran is believed, what can't start says why."""

import shutil

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from driving import DAY, RULE, context_of

from calve.airflow.janitor import WatchOperator
from calve.alerts.kept import open_alerts
from calve.runs import Interval, Run
from calve.standin.kubernetes.play import terminated

OTHER = Run("reference", Interval.parse(DAY))


@pytest.fixture
def project(tmp_path, driven):
    """A copy of this project that a test may spoil; the tasks are of its pipeline `reference`."""
    for name in ("iceberg", "spark_apps"):
        shutil.copytree(driven.project / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    driven.project = tmp_path
    return tmp_path


@pytest.fixture
def spoil(project):
    """Return a function that makes a contract of `revenue` wrong."""

    def run():
        path = project / "iceberg" / "contracts" / "fct_order_line.yaml"
        path.write_text(path.read_text().replace("load: merge", "load: merg"))

    return run


def test_what_was_published_meanwhile_is_green_and_closes_its_alert(driven, spoil):
    def fails(name):
        driven.play.run(name)
        driven.play.end(name, 65)

    def step(name):
        driven.play.run(name)
        spoil()
        driven.records.publish(OTHER)
        driven.play.end(name)

    with pytest.raises(AirflowException):
        driven.run(fails, operator=driven.operator(pipeline="reference"))
    assert driven.run(step, operator=driven.operator(pipeline="reference"), try_number=2)["publication"] == 1
    assert [kept.recovered_at is None for kept in open_alerts(driven.records.conn)] == [False]


def test_what_failed_meanwhile_is_told_with_its_cause(driven, spoil):
    def step(name):
        driven.play.run(name)
        spoil()
        driven.records.verdict("blocked", [RULE], OTHER)
        driven.play.end(name, 65)

    with pytest.raises(AirflowFailException, match=r"complete\(facility_id\)"):
        driven.run(step, operator=driven.operator(pipeline="reference"))
    assert [kept.key for kept in open_alerts(driven.records.conn)] == [f"blocked:reference:{DAY}"]


def test_an_application_is_refused_once_by_file_and_line_and_told(driven, spoil):
    spoil()
    with pytest.raises(AirflowFailException, match=r"iceberg/contracts/fct_order_line\.yaml:\d+: load: found 'merg'"):
        driven.run(operator=driven.operator(pipeline="reference"))
    assert [kept.key for kept in open_alerts(driven.records.conn)] == [f"failed:reference:{DAY}"]


def test_a_command_runs_all_the_same(driven, spoil):
    spoil()
    expose = driven.command("expose", pipeline="reference")
    driven.run(lambda name: driven.play.set_pod(name, "Succeeded"), operator=expose, made={"run_key": OTHER.key})


def test_a_command_that_fails_is_told_all_the_same(driven, spoil):
    spoil()
    expose = driven.command("expose", pipeline="reference")
    with pytest.raises(AirflowException):
        driven.run(
            lambda name: driven.play.set_pod(name, "Failed", terminated(65)),
            operator=expose,
            made={"run_key": OTHER.key},
        )
    assert [kept.key for kept in open_alerts(driven.records.conn)] == ["failed:reference:expose"]


def test_alerts_leave_and_deadlines_are_noticed_all_the_same(driven, spoil, project):
    spoil()
    watch = WatchOperator(task_id="watch", project_folder=str(project))
    found = watch.execute(context_of())["alerts"]
    assert found["new"] == 2
    # Nothing listens here: that each route was tried is what it says.
    assert "CALVE_ALERTS_ON_CALL_ROUTING_KEY is not set" in found["failed"]["on_call"]


def test_a_pipeline_that_can_not_be_read_keeps_no_other_alert_back(driven, project):
    path = project / "iceberg" / "pipelines.yaml"
    path.write_text(path.read_text().replace("pipeline: revenue", "pipeline_: revenue", 1))
    watch = WatchOperator(task_id="watch", project_folder=str(project))
    with pytest.raises(AirflowException, match=r"iceberg/pipelines\.yaml:\d+"):
        watch.execute(context_of())
    assert [kept.alert.pipeline for kept in open_alerts(driven.records.conn)] == ["reference"]
