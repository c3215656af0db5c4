"""What Spark operator v2.5.0 writes into an application: its status, its events and its driver pod.

Follows `internal/controller/sparkapplication/controller.go` and `api/v1beta2/sparkapplication_types.go`.
"""

from __future__ import annotations

import uuid
from typing import Any

from calve.standin.kubernetes.changes import instant
from calve.standin.kubernetes.resources import APPLICATIONS, Object

STATES = (
    "",
    "SUBMITTED",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "SUBMISSION_FAILED",
    "PENDING_RERUN",
    "INVALIDATING",
    "SUCCEEDING",
    "FAILING",
    "SUSPENDING",
    "SUSPENDED",
    "RESUMING",
    "UNKNOWN",
)
DRIVER = "spark-kubernetes-driver"
DRIVER_LOST = "driver pod not found"
DRIVER_UNKNOWN = "driver container status missing"
POD_EXISTS = "driver pod already exist"
NODE = "stand-in"

_EVENTS = {
    "SUBMITTED": ("Normal", "SparkApplicationSubmitted", "SparkApplication {name} was submitted successfully"),
    "SUBMISSION_FAILED": (
        "Warning",
        "SparkApplicationSubmissionFailed",
        "failed to submit SparkApplication {name}: {error}",
    ),
    "COMPLETED": ("Normal", "SparkApplicationCompleted", "SparkApplication {name} completed"),
    "FAILED": ("Warning", "SparkApplicationFailed", "SparkApplication {name} failed: {error}"),
    "PENDING_RERUN": ("Warning", "SparkApplicationPendingRerun", "SparkApplication {name} is pending rerun"),
    "SUSPENDING": ("Warning", "SparkApplicationSuspending", "SparkApplication {name} is suspending"),
    "SUSPENDED": ("Warning", "SparkApplicationSuspended", "SparkApplication {name} is suspended"),
    "RESUMING": ("Warning", "SparkApplicationResuming", "SparkApplication {name} is resuming"),
}


def driver_failed(exit_code: int, reason: str) -> str:
    """Return the operator's message for a driver that ended with this code."""
    return f"driver container failed with ExitCode: {exit_code}, Reason: {reason}"


def submission_failed(why: str) -> str:
    """Return the operator's message for a spark-submit that said this; it says itself twice."""
    again = "" if why == POD_EXISTS else "failed to run spark-submit: "
    return f"failed to submit spark application: failed to run spark-submit: {again}{why}"


def driver_name(application: Object) -> str:
    """Return the name of an application's driver pod."""
    spec = application.get("spec", {})
    named = spec.get("driver", {}).get("podName") or spec.get("sparkConf", {}).get("spark.kubernetes.driver.pod.name")
    return str(named or f"{application['metadata']['name']}-driver")


def write_state(application: Object, state: str, error: str = "") -> None:
    """Write a state into an application, with all that the operator writes beside it.

    The empty state is that of an application which the operator has not seen: it has no status.
    """
    if state not in STATES:
        msg = f"state {state!r} of an application: expected one of {', '.join(map(repr, STATES))}"
        raise ValueError(msg)
    if not state:
        application.pop("status", None)
        return
    status = application.setdefault("status", _empty())
    before = status["applicationState"].get("errorMessage", "")
    if state in ("SUBMITTED", "SUBMISSION_FAILED"):
        _submitted(application, status, accepted=state == "SUBMITTED")
    elif state in ("SUCCEEDING", "FAILING", "COMPLETED", "FAILED"):
        status["terminationTime"] = status.get("terminationTime") or instant()
    elif state in ("PENDING_RERUN", "SUSPENDED"):
        _reset(status)
    # The message of FAILING stays in FAILED, and that of a failed submission.
    message = error or (before if state in ("FAILING", "FAILED") else "")
    status["applicationState"] = {"state": state} | ({"errorMessage": message} if message else {})


def event_of(application: Object) -> tuple[str, str, str] | None:
    """Return type, reason and message of the event that the operator records for the present state."""
    state = application.get("status", {}).get("applicationState", {})
    found = _EVENTS.get(state.get("state", ""))
    if found is None:
        return None
    kind, reason, text = found
    return kind, reason, text.format(name=application["metadata"]["name"], error=state.get("errorMessage", ""))


def driver_pod(application: Object) -> Object:
    """Return the driver pod that spark-submit creates for an application, without a status."""
    metadata, spec = application["metadata"], application.get("spec", {})
    status = application.get("status", {})
    labels = {
        **metadata.get("labels", {}),
        **spec.get("driver", {}).get("labels", {}),
        "spark-role": "driver",
        "spark-app-name": metadata["name"],
        "spark-app-selector": f"spark-{uuid.uuid4().hex}",
        "spark-version": spec.get("sparkVersion", ""),
        "sparkoperator.k8s.io/app-name": metadata["name"],
        "sparkoperator.k8s.io/launched-by-spark-operator": "true",
        "sparkoperator.k8s.io/submission-id": status.get("submissionID", ""),
    }
    owner = {"apiVersion": APPLICATIONS.api_version, "kind": APPLICATIONS.kind, "name": metadata["name"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": driver_name(application),
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": dict(spec.get("driver", {}).get("annotations", {})),
            "ownerReferences": [{**owner, "uid": metadata["uid"], "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": DRIVER, "image": spec.get("image", "spark"), "args": ["driver"]}],
        },
    }


def _empty() -> dict[str, Any]:
    # Go writes an unset time as null whatever its tag says.
    times = {"lastSubmissionAttemptTime": None, "terminationTime": None}
    return {**times, "driverInfo": {}, "applicationState": {"state": ""}}


def _submitted(application: Object, status: dict[str, Any], *, accepted: bool) -> None:
    status["submissionID"] = str(uuid.uuid4())
    status["driverInfo"] = {"podName": driver_name(application)}
    status["lastSubmissionAttemptTime"] = instant()
    status["submissionAttempts"] = status.get("submissionAttempts", 0) + 1
    if accepted:
        status["executionAttempts"] = status.get("executionAttempts", 0) + 1


def _reset(status: dict[str, Any]) -> None:
    for key in ("sparkApplicationId", "executorState"):
        status.pop(key, None)
    status["driverInfo"] = {}
    status["terminationTime"] = None
