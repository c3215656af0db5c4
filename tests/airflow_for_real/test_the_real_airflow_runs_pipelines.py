"""`make airflow` runs the DAGs by real processes; whatever is killed, a run is published once or leaves nothing.

The tests are chapters of one story, since each run of Spark takes a minute: they are in order, and each begins where
the one before ended.
"""

from __future__ import annotations

import json

import pytest
from the_airflow import MAKE, Airflow, Run, until

pytestmark = [pytest.mark.local, pytest.mark.spark]
WEEK, DAY, BOTH = "2025-01-01/2025-01-08", "2025-01-08", "2025-01-01/2025-01-09"


@pytest.fixture(scope="module")
def reference(airflow: Airflow) -> Run:
    """`reference` up to the last filled day; the triggerer dies while Spark works."""
    run = airflow.trigger("reference", interval=BOTH)
    run.until_it_runs()
    airflow.kill("triggerer")
    until(lambda: run.task()["state"] in ("success", "failed"))
    return run


@pytest.fixture(scope="module")
def killed(airflow: Airflow, reference: Run) -> Run:
    """`revenue`, which a person marks failed while Spark works."""
    run = airflow.trigger("revenue", interval=WEEK)
    run.until_it_runs()
    airflow.rest("PATCH", f"{run.path}/taskInstances/{MAKE}", {"new_state": "failed"})
    return run


@pytest.fixture(scope="module")
def revenue(airflow: Airflow, killed: Run) -> Run:
    """The same run, cleared; the scheduler dies while Spark works."""
    until(lambda: not airflow.drivers(), 60)
    _clear(airflow, killed)
    killed.until_it_runs(attempt=2)
    airflow.kill("scheduler")
    killed.until_over()
    return killed


@pytest.fixture(scope="module")
def blocked(airflow: Airflow, revenue: Run) -> Run:
    """The next day of `revenue`, with more orders without a facility than the contract allows."""
    airflow.calve("source", "plant", "null_facility_many", "--day", DAY)
    run = airflow.trigger("revenue", interval=DAY)
    run.until_over()
    return run


def test_a_run_whose_triggerer_died_is_published_by_one_attempt(airflow, reference):
    assert reference.task()["state"] == "success"
    assert reference.task()["try_number"] == 1
    assert airflow.attempts("reference") == [("reference@2025-01-01/2025-01-09#0", 1, "passed")]
    assert len(airflow.applications()) == 1


def test_the_result_of_the_task_is_the_run_key_and_the_publication(airflow, reference):
    found = airflow.rest("GET", f"{reference.path}/taskInstances/{MAKE}/xcomEntries/return_value")["value"]

    assert (found["run_key"], found["publication"]) == ("reference@2025-01-01/2025-01-09#0", 1)


def test_the_drivers_lines_are_in_the_tasks_log_also_those_after_the_triggerer_died(reference):
    assert "| land     facility" in reference.log()
    assert "| reference: publication 1 of reference@2025-01-01/2025-01-09#0" in reference.log()


def test_a_task_marked_failed_leaves_no_application_and_no_process(airflow, killed):
    until(lambda: not airflow.drivers(), 60)
    until(lambda: not [name for name in airflow.applications() if name.startswith("revenue-")], 60)

    assert killed.task()["state"] == "failed"
    assert airflow.published() == ["reference@2025-01-01/2025-01-09#0"]


def test_a_cleared_task_runs_again_and_is_published_once_although_the_scheduler_died(airflow, revenue):
    assert revenue.state == "success"
    assert revenue.task()["try_number"] == 2
    assert airflow.published() == ["revenue@2025-01-01/2025-01-08#0", "reference@2025-01-01/2025-01-09#0"]
    assert len([name for name in airflow.applications() if name.startswith("revenue-")]) == 1


def test_what_was_published_is_served_by_the_task_after_it(revenue):
    assert "Snowflake now serves publications reference 1, revenue 2" in revenue.log("expose_in_snowflake")


def test_a_blocked_run_is_red_at_once_and_names_rule_and_command(airflow, blocked):
    assert blocked.state == "failed"
    assert blocked.task()["state"] == "failed"
    assert blocked.task()["try_number"] == 1
    assert "complete(facility_id)" in blocked.log()
    assert "calve audit show 'revenue@2025-01-08#0'" in blocked.log()
    assert len(airflow.published()) == 2


def test_what_is_published_is_not_made_again(airflow, blocked):
    before = airflow.applications()
    run = airflow.trigger("reference", interval=BOTH)
    until(lambda: run.task()["state"] in ("success", "failed"))

    assert "nothing to do: everything asked for is published" in run.log()
    assert airflow.applications() == before


def test_airflows_own_command_backfills_days_and_makes_none_that_is_published(airflow, blocked):
    before, known = airflow.applications(), {run.name for run in airflow.runs("reference")}
    dates = ("--from-date", "2025-01-07", "--to-date", "2025-01-08T23:59")
    airflow.command("backfill", "create", "--dag-id", "reference", *dates)
    made = until(lambda: [run for run in airflow.runs("reference") if run.name not in known])

    assert [run.until_over() for run in made] == ["success", "success"]
    for run in made:
        assert "everything asked for is published as reference@2025-01-01/2025-01-09#0" in run.log()
    assert airflow.applications() == before


def test_airflows_own_command_triggers_a_day_that_is_made(airflow, blocked):
    airflow.calve("source", "repair")
    known = {run.name for run in airflow.runs("revenue")}
    airflow.command("dags", "trigger", "revenue", "--conf", json.dumps({"interval": DAY}))
    [run] = [run for run in airflow.runs("revenue") if run.name not in known]

    assert run.until_over() == "success"
    assert airflow.published()[0] == f"revenue@{DAY}#1"


def test_ctrl_c_ends_all_that_was_started(airflow, blocked):
    started = airflow.stop()

    assert len(started) > 10
    assert [json.dumps(one.cmdline()) for one in started if one.is_running() and one.status() != "zombie"] == []
    assert airflow.process.returncode == 0


def _clear(airflow: Airflow, run: Run) -> None:
    asked = {"dag_run_id": run.name, "task_ids": [MAKE], "include_downstream": True}
    airflow.rest(
        "POST",
        f"/dags/{run.dag}/clearTaskInstances",
        {"dry_run": False, "only_failed": False, "reset_dag_runs": True} | asked,
    )
