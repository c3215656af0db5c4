import pytest
from api_clients import application

from calve.standin.kubernetes.operating import STATES


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_the_crd(server, apps, state):
    apps.create(application("one"))

    server.play.set_application("one", state)

    found = apps.get("one").get("status")
    assert (found or {"applicationState": {"state": ""}})["applicationState"] == {"state": state}
    assert found is None or {"driverInfo", "terminationTime", "lastSubmissionAttemptTime"} <= found.keys()


def test_another_state_is_refused(server, apps):
    apps.create(application("one"))

    with pytest.raises(ValueError, match="expected one of"):
        server.play.set_application("one", "DONE")


def test_an_application_from_its_submission_to_its_end(server, apps, core):
    apps.create(application("one"))
    server.play.submit("one")
    submitted = apps.get("one")["status"]
    server.play.run("one")
    driver = core.pod("one-driver")
    ran = apps.get("one")["status"]
    server.play.end("one", 65)
    ended = apps.get("one")["status"]

    assert submitted["applicationState"] == {"state": "SUBMITTED"}
    assert submitted["driverInfo"] == {"podName": "one-driver"}
    assert (submitted["submissionAttempts"], submitted["executionAttempts"]) == (1, 1)
    assert submitted["terminationTime"] is None
    assert driver.status.phase == "Running"
    assert driver.metadata.labels["spark-role"] == "driver"
    assert driver.metadata.labels["sparkoperator.k8s.io/app-name"] == "one"
    assert driver.metadata.labels["sparkoperator.k8s.io/submission-id"] == submitted["submissionID"]
    assert driver.metadata.owner_references[0].uid == apps.get("one")["metadata"]["uid"]
    assert [each.name for each in driver.spec.containers] == ["spark-kubernetes-driver"]
    assert ran["sparkApplicationId"] == driver.metadata.labels["spark-app-selector"]
    assert ended["applicationState"] == {
        "state": "FAILED",
        "errorMessage": "driver container failed with ExitCode: 65, Reason: Error",
    }
    assert ended["terminationTime"]
    reasons = [each.reason for each in core.events()]
    assert sorted(reasons) == ["SparkApplicationFailed", "SparkApplicationSubmitted"]


def test_a_driver_that_was_killed_for_its_memory(server, apps):
    apps.create(application("one"))
    server.play.run("one")

    server.play.end("one", 137, "OOMKilled")

    state = apps.get("one")["status"]["applicationState"]
    assert state["errorMessage"] == "driver container failed with ExitCode: 137, Reason: OOMKilled"


def test_a_driver_that_vanished(server, apps, core):
    apps.create(application("one"))
    server.play.run("one")

    server.play.lose_driver("one")

    assert apps.get("one")["status"]["applicationState"] == {"state": "FAILED", "errorMessage": "driver pod not found"}
    assert core.pods() == []


def test_a_submission_that_failed(server, apps):
    apps.create(application("one"))

    server.play.refuse("one", 'pods "one-driver" is forbidden')

    assert apps.get("one")["status"]["applicationState"]["errorMessage"] == (
        "failed to submit spark application: failed to run spark-submit: failed to run spark-submit: "
        'pods "one-driver" is forbidden'
    )


def test_a_pod_that_no_node_takes(server, apps, core):
    apps.create(application("one"))
    server.play.submit("one")

    server.play.set_driver("one", "Pending", reason="Unschedulable", message="0/1 nodes: insufficient cpu")

    driver = core.pod("one-driver")
    assert driver.spec.node_name is None
    assert [(each.status, each.reason) for each in driver.status.conditions] == [("False", "Unschedulable")]
