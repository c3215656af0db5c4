"""What the state of an application or a command pod means: still going on, or over, and how.

The words are those of the Spark operator v2.5 (`status.applicationState.state`) and of a pod (`status.phase`). Only
COMPLETED and FAILED, Succeeded and Failed are ends: every other word may still change by itself. Nothing here is a
proof that data was published; the records are.
"""

from __future__ import annotations

import re
from typing import Any

_ENDS = {"COMPLETED": True, "FAILED": False, "Succeeded": True, "Failed": False}
_DRIVER_IS_UP = {"RUNNING", "SUCCEEDING", "FAILING", "COMPLETED", "FAILED", "Running", "Succeeded", "Failed"}


def state_of(workload: dict[str, Any]) -> str:
    """Return the state as the cluster writes it; empty while nobody looked at it yet."""
    status = workload.get("status") or {}
    if workload.get("kind") == "Pod":
        return str(status.get("phase") or "")
    return str((status.get("applicationState") or {}).get("state") or "")


def is_over(workload: dict[str, Any]) -> bool:
    """Tell whether the state is an end."""
    return state_of(workload) in _ENDS


def has_started(workload: dict[str, Any]) -> bool:
    """Tell whether the process is up or was: waiting for its place is over."""
    return state_of(workload) in _DRIVER_IS_UP


def is_leaving(workload: dict[str, Any]) -> bool:
    """Tell whether it was deleted and is on its way out."""
    return bool(workload["metadata"].get("deletionTimestamp"))


def pod_of(workload: dict[str, Any]) -> str:
    """Return the name of the pod whose log tells the story."""
    name = str(workload["metadata"]["name"])
    if workload.get("kind") == "Pod":
        return name
    return str(((workload.get("status") or {}).get("driverInfo") or {}).get("podName") or f"{name}-driver")


def container_of(workload: dict[str, Any]) -> str:
    """Return the container of that pod that matters."""
    return "calve" if workload.get("kind") == "Pod" else "spark-kubernetes-driver"


def exit_code_of(workload: dict[str, Any]) -> int | None:
    """Return the exit code of the process; None when the cluster doesn't say it."""
    status = workload.get("status") or {}
    if workload.get("kind") == "Pod":
        for container in status.get("containerStatuses") or []:
            ended = (container.get("state") or {}).get("terminated")
            if ended is not None:
                return int(ended["exitCode"])
        return None
    # "driver container failed with ExitCode: %d, Reason: %s": internal/controller/sparkapplication/controller.go
    said = str((status.get("applicationState") or {}).get("errorMessage") or "")
    found = re.search(r"ExitCode: (\d+)", said)
    if found:
        return int(found.group(1))
    return 0 if state_of(workload) == "COMPLETED" else None
