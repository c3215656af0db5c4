"""Runs what is created: a SparkApplication as the driver script, a `calve …` pod as that command, on this machine.

Plays the operator and the kubelet against the server's own state, the way the real ones do: it looks at what is there
and does what is missing. A pod is gone only when its process is; all processes end with this one, even by SIGKILL.
Never runs anything but the project's `spark_apps/main.py` and `python -m calve`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from calve.standin.kubernetes import operating
from calve.standin.kubernetes.play import running, terminated
from calve.standin.kubernetes.processes import Process
from calve.standin.kubernetes.refusals import RefusedError
from calve.standin.kubernetes.removal import GRACE_SECONDS
from calve.standin.kubernetes.resources import APPLICATIONS, PODS, Object
from calve.standin.kubernetes.server import Server

STOP_SECONDS = 10.0
# What the OCI runtime answers for a command that the image does not have.
CANNOT_RUN = 128


@dataclass(frozen=True)
class Place:
    """Where and how processes run.

    Attributes:
        project: The folder that holds `spark_apps/main.py`.
        logs: Folder for the pods' logs.
        environment: All that the processes get; what manifests say of it is not read.
        python: The interpreter that has Spark.
    """

    project: Path
    logs: Path
    environment: Mapping[str, str]
    python: str = sys.executable


class Runner:
    """Runs what is created in a server's namespace, from `start` to `stop`."""

    def __init__(self, server: Server, place: Place, applications_at_once: int = 1) -> None:
        self._server, self._place, self._at_once = server, place, applications_at_once
        self._play, self._store = server.play, server.store
        self._processes: dict[str, Process] = {}
        self._drivers: set[str] = set()
        self._rung = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="kubernetes-runner", daemon=True)

    def start(self) -> Runner:
        """Begin."""
        self._server.removal.keeps = lambda uid: uid in self._processes
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ask all processes to end, kill those that do not, and begin nothing any more."""
        self._over = True
        self._rung.set()
        self._thread.join()
        for process in list(self._processes.values()):
            process.terminate(STOP_SECONDS)
        for process in list(self._processes.values()):
            process.wait(process.kill_when_due() or 0.0)
            process.kill()
            process.wait(STOP_SECONDS)

    def __enter__(self) -> Runner:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def pids(self) -> dict[str, int]:
        """Return the pid that stands for each pod that runs, by the pod's uid."""
        return {uid: process.pid for uid, process in list(self._processes.items())}

    def _run(self) -> None:
        with self._store.listening(self._rung.set):
            while not self._over:
                self._rung.clear()
                graces = [left for each in self._steps() if (left := each()) is not None]
                self._rung.wait(min(graces, default=None))

    def _steps(self) -> list[Callable[[], float | None]]:
        """Do what is to be done now; return what says how long each process that is to end may still take."""
        for application in self._play.applications():
            if not application.get("status") and not application["metadata"].get("deletionTimestamp"):
                self._submit(application)
        pods = {pod["metadata"]["uid"]: pod for pod in self._store.listed(PODS, self._server.namespace)[0]}
        for uid, process in list(self._processes.items()):
            if process.code is not None:
                self._ended(pods.get(uid), process, process.code)
            elif uid not in pods:
                process.kill()
            elif "deletionTimestamp" in pods[uid]["metadata"]:
                process.terminate(pods[uid]["metadata"].get("deletionGracePeriodSeconds", GRACE_SECONDS))
        for pod in sorted(pods.values(), key=lambda pod: int(pod["metadata"]["resourceVersion"])):
            if pod["status"]["phase"] == "Pending" and "deletionTimestamp" not in pod["metadata"]:
                self._begin(pod)
        return [process.kill_when_due for process in self._processes.values()]

    def _submit(self, application: Object) -> None:
        name = application["metadata"]["name"]
        try:
            self._play.submit(name)
        except RefusedError as refused:
            reason = refused.status["reason"]
            if reason != "NotFound":
                self._play.refuse(name, operating.POD_EXISTS if reason == "AlreadyExists" else str(refused))

    def _begin(self, pod: Object) -> None:
        """Start the process of a pending pod, unless it is not its turn yet."""
        metadata = pod["metadata"]
        is_driver = metadata.get("labels", {}).get("spark-role") == "driver"
        if is_driver and len(self._drivers) >= self._at_once:
            return
        # One step, so that a deletion meets either a pod without a process or one that is kept.
        with self._store.lock:
            found = self._store.find(PODS, metadata["namespace"], metadata["name"])
            if found is None or found["metadata"]["uid"] != metadata["uid"]:
                return
            owner = self._owner(found)
            command = self._driver(owner) if is_driver and owner else self._command(found)
            if command is None:
                self._refuse(found)
                return
            self._server.logs.keep_in(metadata["uid"], self._place.logs / f"{metadata['name']}.log")
            process = Process(metadata["uid"], command, self._place.project, self._place.environment)
            self._processes[metadata["uid"]] = process
            if is_driver:
                self._drivers.add(process.uid)
            process.follow(self._server.logs, self._rung.set)
            self._play.set_pod(metadata["name"], "Running", running())
            if owner:
                self._play.set_application(owner["metadata"]["name"], "RUNNING")

    def _ended(self, pod: Object | None, process: Process, code: int) -> None:
        with self._store.lock:
            del self._processes[process.uid]
            self._drivers.discard(process.uid)
            if pod is None:
                return
            metadata, owner = pod["metadata"], self._owner(pod)
            if owner:
                self._play.end(owner["metadata"]["name"], code)
            else:
                self._play.set_pod(metadata["name"], "Failed" if code else "Succeeded", terminated(code))
            now = self._store.find(PODS, metadata["namespace"], metadata["name"]) or pod
            if "deletionTimestamp" in now["metadata"]:
                self._server.removal.finish(metadata["namespace"], metadata["name"], process.uid)

    def _driver(self, application: Object) -> list[str]:
        arguments = [str(each) for each in application["spec"].get("arguments", [])]
        script = self._place.project / "spark_apps" / "main.py"
        return [self._place.python, str(script), *arguments, "--follow-stdin"]

    def _command(self, pod: Object) -> list[str] | None:
        container = pod["spec"]["containers"][0]
        command = [*container.get("command", []), *container.get("args", [])]
        return [self._place.python, "-m", "calve", *command[1:]] if command[:1] == ["calve"] else None

    def _refuse(self, pod: Object) -> None:
        said = "the stand-in runs nothing but `calve …` and SparkApplications"
        name = pod["metadata"]["name"]
        self._play.set_pod(name, "Failed", terminated(CANNOT_RUN, "ContainerCannotRun", said))

    def _owner(self, pod: Object) -> Object | None:
        """Return the application that a pod belongs to, if it is still there."""
        for reference in pod["metadata"].get("ownerReferences", []):
            found = self._store.find(APPLICATIONS, pod["metadata"]["namespace"], reference["name"])
            if found is not None and found["metadata"]["uid"] == reference["uid"]:
                return found
        return None
