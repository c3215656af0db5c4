"""Live applications and pods whose task instance is over are removed; all others stay."""

import pytest
from driving import RUN, context_of

from calve.airflow.dags import watch_dag
from calve.airflow.janitor import OVER, WatchOperator, remove_left
from calve.kubernetes.deployment import load_deployment
from calve.kubernetes.workloads import Workloads, open_client


@pytest.fixture
def clean_up(driven):
    """Return a function that cleans up, when all task instances are in a state."""

    def run(state):
        client = open_client(load_deployment().kubeconfig)
        kinds = [Workloads(client, kind, driven.namespace) for kind in ("SparkApplication", "Pod")]
        return list(remove_left(kinds, lambda dag, task, run: state if (dag, task) == ("revenue", "make") else None))

    return run


@pytest.fixture
def left(driven):
    """Return the name of an application that runs."""
    name = driven.deferred(driven.operator(), context_of()).trigger.name
    driven.play.run(name)
    return name


@pytest.mark.parametrize("state", sorted(OVER))
def test_one_whose_task_is_over_is_removed(driven, left, clean_up, state):
    assert clean_up(state) == [left]
    assert driven.names() == []


@pytest.mark.parametrize("state", ["running", "deferred", "queued", "up_for_retry", "restarting", None])
def test_one_whose_task_may_need_it_stays(driven, left, clean_up, state):
    assert clean_up(state) == []
    assert driven.names() == [left]


def test_one_that_ended_stays_for_people(driven, left, clean_up):
    driven.play.end(left)
    assert clean_up("failed") == []


def test_one_that_a_person_submitted_stays(driven, left, clean_up):
    found = driven.play.application(left)
    found["metadata"] = {"name": "by-hand", "labels": {}, "annotations": {}}
    driven.play.submit_by_hand({**found, "status": {}})
    clean_up("failed")
    assert driven.names() == ["by-hand"]


def test_a_pod_of_a_command_is_removed_too(driven, clean_up):
    waiting = driven.deferred(driven.command("expose"), context_of(made={"run_key": RUN.key}))
    driven.play.set_pod(waiting.trigger.name, "Running")
    assert waiting.trigger.name in clean_up("failed")


@pytest.mark.parametrize(("state", "removed"), [("failed", True), ("deferred", False)])
def test_the_watching_task_asks_airflow_for_the_state(driven, left, state, removed):
    context = context_of()
    context["ti"].get_task_states = lambda *, dag_id, task_ids, run_ids: {
        run_ids[0]: {task_ids[0]: state if dag_id == "revenue" else None}
    }
    watch = WatchOperator(task_id="watch", project_folder=str(driven.project))
    assert watch.execute(context)["left"] == ([left] if removed else [])


def test_what_watches_is_not_paused_where_airflow_pauses_new_dags():
    assert watch_dag().is_paused_upon_creation is False
