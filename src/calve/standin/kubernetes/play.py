"""What a test plays: the operator, the kubelet and the scheduler, in the shapes that the real ones write."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from calve.standin.kubernetes import operating
from calve.standin.kubernetes.changes import instant
from calve.standin.kubernetes.resources import APPLICATIONS, EVENTS, PODS, QUOTAS, Object
from calve.standin.kubernetes.scene import Scene

State = dict[str, Any]
SIGNALLED = 128


def waiting(reason: str, message: str = "") -> State:
    """Return the state of a container that does not start: ContainerCreating, ImagePullBackOff, …."""
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def running() -> State:
    """Return the state of a container that runs."""
    return {"running": {"startedAt": instant()}}


def terminated(exit_code: int, reason: str = "", message: str = "") -> State:
    """Return the state of a container that has ended; the reason is Completed or Error unless one is given."""
    found = {"exitCode": exit_code, "reason": reason or ("Completed" if exit_code == 0 else "Error")}
    found |= {"startedAt": instant(), "finishedAt": instant(), "containerID": "containerd://stand-in"}
    return {"terminated": found | ({"message": message} if message else {})}


class Play:
    """Plays everybody but the client, in one namespace. Each method is one step, from any thread."""

    def __init__(self, scene: Scene, namespace: str) -> None:
        self._scene, self.namespace = scene, namespace

    def applications(self) -> list[Object]:
        """Return all applications."""
        return self._scene.listed(APPLICATIONS, self.namespace)

    def application(self, name: str) -> Object:
        """Return an application."""
        return self._scene.get(APPLICATIONS, self.namespace, name)

    def pod(self, name: str) -> Object:
        """Return a pod."""
        return self._scene.get(PODS, self.namespace, name)

    def pods(self) -> list[Object]:
        """Return all pods."""
        return self._scene.listed(PODS, self.namespace)

    def submit_by_hand(self, application: Object) -> Object:
        """Create an application, as a person does with kubectl."""
        return self._scene.create(APPLICATIONS, self.namespace, application)

    def delete_application(self, name: str) -> None:
        """Delete an application, as a person does with kubectl."""
        self._scene.delete(APPLICATIONS, self.namespace, name)

    def delete_pod(self, name: str) -> None:
        """Delete a pod, as a person does with kubectl."""
        self._scene.delete(PODS, self.namespace, name)

    def hold_pods(self) -> None:
        """Let the pods that are there end slowly: one that is deleted stays until `remove_pod`."""
        self._scene.hold_pods(self.namespace)

    def set_application(
        self, name: str, state: str, error: str = "", *, executors: Mapping[str, str] | None = None
    ) -> Object:
        """Set the state of an application, any of `operating.STATES`, as the operator writes it; records its event.

        `executors` are executor pods and their states, e.g. `{"revenue-exec-1": "RUNNING"}`.
        """

        def edit(found: Object) -> None:
            operating.write_state(found, state, error)
            if state and executors is not None:
                found["status"]["executorState"] = dict(executors)
            driver = self._scene.find(PODS, self.namespace, operating.driver_name(found))
            if state == "RUNNING" and driver is not None:
                found["status"]["sparkApplicationId"] = driver["metadata"]["labels"].get("spark-app-selector", "")

        return self._operated(self._scene.change(APPLICATIONS, self.namespace, name, edit))

    def set_driver(self, application: str, phase: str, container: State | None = None, **more: Any) -> Object:
        """Set the driver pod of an application as `set_pod` does; it is created when there is none.

        Raises:
            RefusedError: 403; a quota lets in no pod.
        """
        found = self.application(application)
        name = operating.driver_name(found)
        with self._scene.lock:
            if self._scene.find(PODS, self.namespace, name) is None:
                self._scene.create(PODS, self.namespace, operating.driver_pod(found))
            return self.set_pod(name, phase, container, **more)

    def set_pod(
        self, name: str, phase: str, container: State | None = None, *, reason: str = "", message: str = ""
    ) -> Object:
        """Set a pod's phase and the state of its containers: `waiting(…)`, `running()` or `terminated(…)`.

        Without a state of the container, a pending pod has no node yet; `reason` and `message` are the pod's own,
        e.g. Evicted, or for a pending pod those of its condition PodScheduled, e.g. Unschedulable.
        """

        def edit(found: Object) -> None:
            status: dict[str, Any] = {"phase": phase, "qosClass": found["status"].get("qosClass", "BestEffort")}
            scheduled = container is not None or phase != "Pending"
            condition = {"type": "PodScheduled", "status": str(scheduled), "lastTransitionTime": instant()}
            said = {key: value for key, value in (("reason", reason), ("message", message)) if value}
            status["conditions"] = [condition | ({} if scheduled else said)]
            status |= said if scheduled else {}
            if scheduled:
                found["spec"].setdefault("nodeName", operating.NODE)
                status |= {"startTime": found["status"].get("startTime") or instant()}
            if container is not None:
                status["containerStatuses"] = [_container(each, container) for each in found["spec"]["containers"]]
            found["status"] = status

        return self._scene.change(PODS, self.namespace, name, edit)

    def remove_pod(self, name: str) -> None:
        """Let a pod vanish, as when its node is gone."""
        if found := self._scene.find(PODS, self.namespace, name):
            self._scene.vanish(found)

    def started_at(self, name: str, at: str) -> None:
        """Let a pod have started at an instant."""

        def edit(found: Object) -> None:
            found["status"]["startTime"] = at

        self._scene.change(PODS, self.namespace, name, edit)

    def write_log(self, pod: str, text: str, at: datetime | None = None) -> None:
        """Write lines to a pod's log, now or as if at an instant."""
        self._scene.write_log(self.pod(pod), text, at)

    def write_event(
        self, about: Object, reason: str, message: str, *, kind: str = "Warning", component: str = "kubelet"
    ) -> Object:
        """Record an event about an object."""
        metadata, now = about["metadata"], instant()
        name = f"{metadata['name'][:200]}.{uuid.uuid4().hex[:16]}"
        meant = {"kind": about["kind"], "apiVersion": about["apiVersion"], "namespace": metadata["namespace"]}
        meant |= {"name": metadata["name"], "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        event = {
            "metadata": {"name": name},
            "involvedObject": meant,
            "reason": reason,
            "message": message,
            "type": kind,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": None,
            "source": {"component": component},
            "reportingComponent": component,
            "reportingInstance": "",
        }
        return self._scene.create(EVENTS, metadata["namespace"], event)

    def forbid_pods(self, name: str = "no-pods") -> None:
        """Let a quota of zero refuse every new pod."""
        quota = {"metadata": {"name": name}, "spec": {"hard": {"pods": "0"}}}
        self._scene.create(QUOTAS, self.namespace, quota)

    def allow_pods(self, name: str = "no-pods") -> None:
        """Take the quota away."""
        self._scene.delete(QUOTAS, self.namespace, name)

    def submit(self, application: str) -> None:
        """Submit an application: its driver pod pending, SUBMITTED.

        Raises:
            RefusedError: 403 (quota) or 409 (a pod of that name is still there); nothing was changed.
        """
        with self._scene.lock:
            found = self.application(application)
            operating.write_state(found, "SUBMITTED")
            self._scene.create(PODS, self.namespace, operating.driver_pod(found))
            self._operated(self._written(application, found["status"]))

    def run(self, application: str) -> None:
        """Let an application run: SUBMITTED before if it was new, its driver running, RUNNING."""
        if not self.application(application).get("status"):
            self.submit(application)
        self.set_driver(application, "Running", running())
        self.set_application(application, "RUNNING")

    def end(self, application: str, exit_code: int = 0, reason: str = "") -> None:
        """Let the driver end with a code: COMPLETED, or FAILED with the operator's message for it."""
        state = terminated(exit_code, reason)
        phase, on, last = (
            ("Succeeded", "SUCCEEDING", "COMPLETED") if exit_code == 0 else ("Failed", "FAILING", "FAILED")
        )
        self.set_driver(application, phase, state)
        error = operating.driver_failed(exit_code, state["terminated"]["reason"]) if exit_code else ""
        self.set_application(application, on, error)
        self.set_application(application, last)

    def lose_driver(self, application: str) -> None:
        """Let the driver pod vanish: FAILED, "driver pod not found"."""
        self.remove_pod(operating.driver_name(self.application(application)))
        self.set_application(application, "FAILING", operating.DRIVER_LOST)
        self.set_application(application, "FAILED")

    def refuse(self, application: str, why: str) -> None:
        """Let the submission fail: SUBMISSION_FAILED, then FAILED; `why` is what spark-submit said."""
        self.set_application(application, "SUBMISSION_FAILED", operating.submission_failed(why))
        self.set_application(application, "FAILED")

    def _written(self, application: str, status: dict[str, Any]) -> Object:
        def edit(found: Object) -> None:
            found["status"] = status

        return self._scene.change(APPLICATIONS, self.namespace, application, edit)

    def _operated(self, application: Object) -> Object:
        if event := operating.event_of(application):
            self.write_event(application, event[1], event[2], kind=event[0], component="spark-application-controller")
        return application


def _container(declared: Object, state: State) -> Object:
    found = {"name": declared["name"], "image": declared.get("image", ""), "imageID": "", "state": state}
    found |= {"ready": "running" in state, "started": "running" in state, "restartCount": 0, "lastState": {}}
    return found | ({} if "waiting" in state else {"containerID": "containerd://stand-in"})
