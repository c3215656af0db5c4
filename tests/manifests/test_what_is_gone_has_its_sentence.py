from dataclasses import replace

from failed_applications import (
    AGAIN,
    DELETE,
    DESCRIBE,
    NAME,
    STARTED,
    application,
    diagnosed,
    facts,
    failed,
    pod,
)

from calve.kubernetes.triage import triage


def test_a_driver_pod_that_is_gone_is_told(project):
    """Airflow issue 41212: the pod was deleted, and nobody saw how it ended."""
    sentence = f"nobody saw how pod {NAME}-driver ended (driver pod not found): it was deleted, or its node was lost"
    found = facts(application(project, error="driver pod not found"))

    assert diagnosed(found) == ("driver-gone", sentence, True, (DESCRIBE, DELETE, AGAIN))


def test_a_driver_pod_that_is_gone_is_told_before_the_operator_notices(project):
    found = facts(application(project, "RUNNING"))

    assert triage(found).cause == "driver-gone"
    assert triage(replace(found, unreadable=("driver pod and executors: 403 Forbidden",))).cause == "running"


def test_a_driver_that_was_asked_to_end_is_told(project):
    assert diagnosed(failed(project, 143, STARTED))[:3] == (
        "driver-gone",
        "the driver was asked to end (exit 143): it was deleted, or its node was drained",
        True,
    )


def test_an_application_that_was_deleted_is_told(project):
    assert diagnosed(facts(None)) == (
        "deleted",
        f"namespace lake-dev has no application {NAME}: somebody deleted it, or it ended more than a day ago",
        True,
        ("kubectl -n lake-dev get sparkapplications", AGAIN),
    )


def test_an_application_that_is_being_deleted_is_told(project):
    app = application(project, "RUNNING")
    app["metadata"]["deletionTimestamp"] = "2026-01-03T00:58:00Z"

    assert diagnosed(facts(app, driver=pod("driver", "Running", {"running": {}})))[:2] == (
        "deleted",
        "somebody deleted it at 2026-01-03T00:58:00Z",
    )


def test_a_deadline_that_passed_is_told(project):
    assert diagnosed(facts(None, deadline="6 h to run"))[:3] == (
        "deadline",
        "it took longer than 6 h to run, and was removed",
        True,
    )


def test_a_driver_that_was_killed_after_it_was_deleted_is_not_taken_for_one_out_of_memory(project):
    found = failed(project, 137, STARTED)
    found.driver["metadata"]["deletionTimestamp"] = "2026-01-03T00:58:00Z"

    assert diagnosed(found)[:2] == (
        "driver-gone",
        "the driver was asked to end (exit 137): it was deleted, or its node was drained",
    )
