from dataclasses import replace

import pytest
from failed_applications import (
    AGAIN,
    DELETE,
    DESCRIBE,
    DESCRIBE_POD,
    LOGS,
    LOST,
    NAME,
    PY4J,
    SPARK_75,
    STARTED,
    application,
    diagnosed,
    event,
    facts,
    failed,
    pod,
    waits,
)

from calve.kubernetes.triage import triage


@pytest.mark.parametrize(
    ("reason", "sentence", "is_retryable"),
    [
        ("OOMKilled", "the driver was killed (exit 137, OOMKilled): it took more memory than its pod may", False),
        ("Error", "the driver was killed (exit 137, Error), most likely for its memory", True),
    ],
)
def test_a_driver_that_was_killed_for_its_memory_is_told(project, reason, sentence, is_retryable):
    found = failed(project, 137, STARTED, reason=reason)

    assert diagnosed(found) == (
        "driver-out-of-memory",
        sentence,
        is_retryable,
        (DESCRIBE_POD, DESCRIBE, LOGS, DELETE, AGAIN),
    )
    assert triage(found).details[0] == "driver memory 2g (size medium); size large in iceberg/pipelines.yaml gives 4g"


def test_a_driver_whose_heap_is_full_is_told(project):
    log = 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space\n\tat java.base/x'

    assert diagnosed(failed(project, 52, log))[:2] == (
        "driver-out-of-memory",
        "the driver's heap is too small: java.lang.OutOfMemoryError: Java heap space",
    )


def test_executors_that_were_killed_for_their_memory_are_told(project):
    found = failed(project, 75, STARTED, LOST, SPARK_75)

    assert diagnosed(found)[:3] == (
        "executor-out-of-memory",
        "executors were killed: they took more memory than their pods may",
        False,
    )
    assert triage(found).details[0] == "executor memory 4g (size medium); size large in iceberg/pipelines.yaml gives 8g"


def test_executors_that_were_killed_are_told_from_their_pods_and_events(project):
    quiet = failed(project, 75, STARTED, SPARK_75)
    killed = pod("executor", "Failed", {"terminated": {"exitCode": 137, "reason": "OOMKilled"}})
    said = f"Executor {NAME}-exec-1 failed with ExitCode: 137, Reason: OOMKilled, Pod Message: "

    assert triage(quiet).cause == "temporary"
    assert triage(replace(quiet, executors=(killed,))).cause == "executor-out-of-memory"
    assert triage(replace(quiet, events=(event("SparkExecutorFailed", said),))).cause == "executor-out-of-memory"


def test_an_executor_whose_heap_is_full_is_not_taken_for_the_driver(project):
    heap = "java.lang.OutOfMemoryError: Java heap space"
    found = failed(project, 75, PY4J.format(cause="org.apache.spark.SparkException: task", deepest=heap), SPARK_75)

    assert diagnosed(found)[:2] == ("executor-out-of-memory", f"the executors' heap is too small: {heap}")


def test_executors_that_went_away_are_told(project):
    log = (
        "26/01/03 00:41:02 ERROR TaskSchedulerImpl: Lost executor 2 on 10.244.0.9: "
        "The executor with id 2 was deleted by a user or the framework."
    )

    found = failed(project, 75, STARTED, log, SPARK_75)

    assert diagnosed(found)[:3] == ("executor-lost", "executors went away, and the job with them", True)
    assert triage(found).details[0] == log


@pytest.mark.parametrize(
    ("reason", "message", "is_retryable"),
    [
        ("ErrImagePull", 'failed to pull "x:1": dial tcp: lookup registry: i/o timeout', True),
        ("ImagePullBackOff", 'Back-off pulling image "x:1": ErrImagePull: x:1: not found', False),
        ("InvalidImageName", 'couldn\'t parse image name "X:1": repository name must be lowercase', False),
    ],
)
def test_an_image_that_does_not_come_is_told(project, reason, message, is_retryable):
    found = facts(application(project, "SUBMITTED"), driver=pod("driver", "Pending", waits(reason, message)))

    assert diagnosed(found) == (
        "image",
        f"pod {NAME}-driver has no image; {reason}: {message}",
        is_retryable,
        (DESCRIBE_POD, DESCRIBE, LOGS, DELETE, AGAIN),
    )


def test_a_secret_that_is_not_there_is_told(project):
    state = waits("CreateContainerConfigError", 'secret "calve-secrets" not found')
    found = facts(application(project, "SUBMITTED"), driver=pod("driver", "Pending", state))

    assert diagnosed(found)[:3] == (
        "configuration",
        f'pod {NAME}-driver can\'t be started; CreateContainerConfigError: secret "calve-secrets" not found',
        False,
    )


def test_a_volume_that_is_not_there_is_told_but_not_the_one_that_spark_makes_after_its_driver(project):
    own = event("FailedMount", 'MountVolume.SetUp failed: configmap "spark-drv-69fbda9b-conf-map" not found')
    missing = event("FailedMount", 'MountVolume.SetUp failed: secret "of-the-source" not found')
    lost = facts(application(project, "FAILED", "driver pod not found"), events=(own,))

    assert (triage(lost).cause, triage(lost).is_retryable) == ("driver-gone", True)
    assert triage(replace(lost, events=(own, missing))).cause == "configuration"


NO_NODE = (
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {dedicated: web}. preemption: no"
)


def test_a_driver_that_no_node_takes_is_told_from_its_pod(project):
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_NODE}
    found = facts(application(project, "SUBMITTED"), driver=pod("driver", "Pending", conditions=[condition]))

    assert diagnosed(found) == (
        "unschedulable",
        f"no node takes pod {NAME}-driver: {NO_NODE}",
        True,
        (DESCRIBE_POD, "kubectl describe nodes", DESCRIBE, LOGS, DELETE, AGAIN),
    )


def test_a_driver_that_no_node_took_is_told_from_events_once_it_is_gone(project):
    found = facts(None, deadline="15 min to start", events=(event("FailedScheduling", NO_NODE),))

    assert diagnosed(found)[:2] == ("unschedulable", f"no node takes the driver: {NO_NODE}")


def test_an_executor_that_no_node_takes_is_told_while_the_driver_waits(project):
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_NODE}
    found = facts(
        application(project, "RUNNING"),
        driver=pod("driver", "Running", {"running": {}}),
        executors=(pod("executor", "Pending", conditions=[condition]),),
    )

    assert diagnosed(found)[:2] == ("unschedulable", f"no node takes pod {NAME}-exec-1: {NO_NODE}")


QUOTA = (
    "exceeded quota: compute, requested: requests.memory=2Gi, used: requests.memory=7Gi, limited: requests.memory=8Gi"
)
SUBMIT = "failed to submit spark application: failed to run spark-submit: failed to run spark-submit: "
POST = (
    "io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: POST at: "
    "https://10.96.0.1:443/api/v1/namespaces/lake-dev/pods. Message: "
)


def test_a_quota_that_is_used_up_is_told(project):
    error = (
        f"{SUBMIT}26/01/03 00:31:05 WARN NativeCodeLoader: Unable to load\n"
        f'Exception in thread "main" {POST}pods "{NAME}-driver" is forbidden: {QUOTA}. Received status: '
        f"Status(apiVersion=v1, code=403, message=pods is forbidden: {QUOTA}, status=Failure).\n\tat io.fabric8"
    )
    quota = {
        "metadata": {"name": "compute"},
        "status": {"hard": {"requests.memory": "8Gi"}, "used": {"requests.memory": "7Gi"}},
    }
    found = facts(application(project, "FAILED", error), quotas=(quota,))

    assert diagnosed(found) == (
        "quota",
        f"no room in the namespace: {QUOTA}",
        True,
        ("kubectl -n lake-dev describe resourcequota", DESCRIBE, DELETE, AGAIN),
    )
    assert triage(found).details[0] == "quota compute: requests.memory 7Gi of 8Gi"


def test_a_quota_that_keeps_executors_away_is_told(project):
    log = (
        "26/01/03 00:32:00 ERROR ExecutorPodsSnapshotsStoreImpl: Going to stop due to an exception\n"
        f'{POST}pods "{NAME}-exec-1" is forbidden: {QUOTA}. Received status: Status(code=403).'
    )
    found = facts(
        application(project, "RUNNING"), driver=pod("driver", "Running", {"running": {}}), log=(*log.splitlines(),)
    )

    assert diagnosed(found)[:2] == ("quota", f"no room in the namespace: {QUOTA}")


def test_where_calve_said_that_a_retry_cannot_help_a_quota_does_not_make_it_help(project):
    said = "calve: source payment: found column fee, expected none; correct iceberg/sources/payment.yaml"
    refused = (event("FailedCreate", f'pods "{NAME}-exec-1" is forbidden: {QUOTA}'),)

    assert triage(replace(failed(project, 75, STARTED, said), events=refused)).is_retryable
    assert not triage(replace(failed(project, 65, STARTED, said), events=refused)).is_retryable


def test_a_driver_that_was_evicted_is_told_and_not_taken_for_one_out_of_memory(project):
    message = 'Usage of EmptyDir volume "spark-local-dir-1" exceeds the limit "20Gi". '
    state = {"terminated": {"exitCode": 137, "reason": "Error"}}
    found = facts(
        application(project, error="driver container failed with ExitCode: 137, Reason: Error"),
        driver=pod("driver", "Failed", state, reason="Evicted", message=message),
    )

    assert diagnosed(found)[:3] == ("evicted", f"the node put the driver out: {message}", True)


def test_a_driver_that_was_preempted_is_told(project):
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "message": "preempting to accommodate a higher priority pod",
    }
    found = facts(
        application(project, error="driver container failed with ExitCode: 143, Reason: Error"),
        driver=pod("driver", "Failed", {"terminated": {"exitCode": 143, "reason": "Error"}}, conditions=[condition]),
    )

    assert diagnosed(found)[:2] == (
        "evicted",
        "the node put the driver out: PreemptionByScheduler: preempting to accommodate a higher priority pod",
    )


def test_a_submission_that_failed_is_told(project):
    error = f'{SUBMIT}26/01/03 00:31:05 WARN x\nException in thread "main" {POST}pods is forbidden: no right.\n\tat x'
    found = facts(application(project, "SUBMISSION_FAILED", error))

    assert diagnosed(found) == (
        "submission-failed",
        f'the operator could not submit it: Exception in thread "main" {POST}pods is forbidden: no right.',
        False,
        (DESCRIBE, DELETE, AGAIN),
    )
    again = facts(application(project, "FAILED", f"{SUBMIT}exit status 1"))
    assert diagnosed(again)[:3] == (
        "submission-failed",
        f"the operator could not submit it: {SUBMIT}exit status 1",
        True,
    )


def test_an_operator_that_does_not_look_is_told(project):
    found = facts(application(project, state="", made_at="2026-01-03T00:55:00Z"))

    assert diagnosed(found) == (
        "operator-silent",
        "the Spark operator has not looked at it for 300 s: it does not run, or does not watch namespace lake-dev",
        True,
        ("kubectl get pods -A -l app.kubernetes.io/name=spark-operator", DESCRIBE, DELETE, AGAIN),
    )
    young = facts(application(project, state="", made_at="2026-01-03T00:59:30Z"))
    assert diagnosed(young)[:2] == ("running", "it is new, and nothing is wrong so far")
