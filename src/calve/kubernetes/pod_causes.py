"""Causes that the cluster tells: of the application's state, its pods, their events and quotas.

Each rule is a pure function that answers with what it found or with None. Words are those of the Spark operator v2.5
(`internal/controller/sparkapplication`), of the kubelet, the scheduler and the quota's admission.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from calve.kubernetes.evidence import Found, Json, Seen, conditions, terminated, waiting
from calve.kubernetes.manifest import SIZES

OPERATOR_SECONDS = 120
OUT_OF_MEMORY = "OOMKilled"
_KILLED, _JVM_OUT_OF_MEMORY, _TERMINATED = 137, 52, 143
_IMAGE = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
}
_NEVER_PULLED = re.compile(r"not found|unauthorized|denied|manifest unknown|no basic auth|InvalidImageName|NeverPull")
_CONFIGURATION = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_SPARKS_OWN = re.compile(r'configmap "spark-(drv|exec)-[0-9a-f]+-conf-map" not found')
_QUOTA = re.compile(r"(exceeded|failed) quota: [^\n]*?(?=\. Received status|$|\n)")
_EXECUTOR_MEMORY = re.compile(r"possible container OOM|OOMKilled|exit(?:ed with exit)? ?code:? 137|ExitCode: 137")
_EXECUTOR_LOST = re.compile(
    r"ExecutorLostFailure|Lost executor \d+|Executor \S+ failed with ExitCode|was deleted by a user"
)


def evicted(seen: Seen) -> Found | None:
    """The node put the pod out."""
    pod = seen.facts.driver or {}
    status = pod.get("status") or {}
    if status.get("reason") == "Evicted":
        why = str(status.get("message") or "")
    else:
        found = next(conditions(pod, "DisruptionTarget", "True"), None)
        if found is None:
            return None
        why = f"{found.get('reason')}: {found.get('message')}"
    return Found("evicted", f"the node put the {seen.process} out: {why}", True, look=(_describe(seen),))


def image(seen: Seen) -> Found | None:
    """The image does not come."""
    for pod in _pods(seen):
        for wait in waiting(pod):
            if wait.get("reason") in _IMAGE:
                said = f"{wait['reason']}: {wait.get('message', '')}"
                sentence = f"pod {_name(pod)} has no image; {said}"
                return Found("image", sentence, not _NEVER_PULLED.search(said), look=(_describe(seen, pod),))
    return None


def configuration(seen: Seen) -> Found | None:
    """A Secret, ConfigMap or volume that the pod names is not there."""
    for pod in _pods(seen):
        for wait in waiting(pod):
            if wait.get("reason") in _CONFIGURATION:
                sentence = f"pod {_name(pod)} can't be started; {wait['reason']}: {wait.get('message', '')}"
                return Found("configuration", sentence, False, look=(_describe(seen, pod),))
    if seen.facts.log:
        return None
    for event in _events(seen, "FailedMount"):
        # Spark makes the driver's pod first and then what this one mounts: it is always missed for a moment.
        if _SPARKS_OWN.search(event):
            continue
        return Found("configuration", f"a volume is not there; {event}", False, look=(_describe(seen),))
    return None


def quota(seen: Seen) -> Found | None:
    """The namespace has no room by its own rule."""
    # A quota that kept executors away and then let them in is no reason for what happened later.
    log = seen.facts.log if seen.is_live or not seen.said else ()
    for text in (seen.error, *_messages(seen), *log):
        if found := _QUOTA.search(text):
            sentence = f"no room in the namespace: {found[0]}"
            return Found("quota", sentence, True, _quotas(seen), (seen.kubectl("describe resourcequota"),))
    return None


def unschedulable(seen: Seen) -> Found | None:
    """No node takes a pod."""
    for pod in _pods(seen):
        if (pod.get("status") or {}).get("phase") != "Pending":
            continue
        for found in conditions(pod, "PodScheduled", "False"):
            sentence = f"no node takes pod {_name(pod)}: {found.get('message') or found.get('reason')}"
            return Found("unschedulable", sentence, True, look=(_describe(seen, pod), "kubectl describe nodes"))
    if seen.facts.log or seen.exit_code is not None:
        return None
    for said in _events(seen, "FailedScheduling"):
        return Found(
            "unschedulable", f"no node takes the {seen.process}: {said}", True, look=("kubectl describe nodes",)
        )
    return None


def submission(seen: Seen) -> Found | None:
    """The operator could not make the driver's pod."""
    if seen.state != "SUBMISSION_FAILED" and not seen.error.startswith("failed to "):
        return None
    lines = [line.strip() for line in seen.error.splitlines() if "Exception" in line or "rror" in line]
    said = lines[0] if lines else seen.error
    said = re.split(r"\. Received status: ", said)[0]
    is_final = re.search(r"is forbidden|is invalid|Invalid value|already exist", seen.error)
    return Found("submission-failed", f"the operator could not submit it: {said}", not is_final, tuple(lines[1:4]))


def operator(seen: Seen) -> Found | None:
    """Nobody takes the application up."""
    if seen.facts.application is None or seen.is_pod or seen.state or seen.age_seconds < OPERATOR_SECONDS:
        return None
    sentence = (
        f"the Spark operator has not looked at it for {seen.age_seconds:.0f} s: it does not run, "
        f"or does not watch namespace {seen.facts.namespace}"
    )
    look = ("kubectl get pods -A -l app.kubernetes.io/name=spark-operator",)
    return Found("operator-silent", sentence, True, look=look)


def driver_memory(seen: Seen) -> Found | None:
    """The driver took more memory than it has."""
    reason = seen.ended.get("reason") or (re.findall(r"Reason: (\w+)", seen.error) or [""])[-1]
    heap = "" if _in_a_task(seen) else _heap(seen)
    if reason == OUT_OF_MEMORY or (seen.exit_code == _KILLED and not seen.is_leaving):
        how = f"exit 137, {reason}" if reason else "exit 137"
        sentence = f"the {seen.process} was killed ({how})"
        sentence += (
            ": it took more memory than its pod may" if reason == OUT_OF_MEMORY else ", most likely for its memory"
        )
    elif seen.exit_code == _JVM_OUT_OF_MEMORY or (heap and seen.exit_code):
        sentence = f"the driver's heap is too small: {heap or 'exit 52, which is Spark out of memory'}"
    else:
        return None
    # Killed for no reason that the cluster names: a node in trouble does that too.
    is_sure = reason == OUT_OF_MEMORY or seen.exit_code != _KILLED
    return Found("driver-out-of-memory", sentence, not is_sure, _size(seen, "driver"), (_describe(seen),))


def executor_lost(seen: Seen) -> Found | None:
    """Executors went away, and took the job with them."""
    if seen.is_live or seen.is_pod or seen.exit_code in (None, 0):
        return None
    lines = [line for line in (*seen.facts.log, *_messages(seen)) if _EXECUTOR_LOST.search(line)]
    ends = [end for pod in seen.facts.executors for end in terminated(pod) if end.get("exitCode")]
    texts = [*seen.facts.log, *_messages(seen)]
    is_killed = any(e.get("reason") == OUT_OF_MEMORY for e in ends) or any(map(_EXECUTOR_MEMORY.search, texts))
    if is_killed:
        sentence = "executors were killed: they took more memory than their pods may"
        return Found("executor-out-of-memory", sentence, False, (*_size(seen, "executor"), *lines[-2:]))
    if _in_a_task(seen) and (heap := _heap(seen)):
        sentence = f"the executors' heap is too small: {heap}"
        return Found("executor-out-of-memory", sentence, False, _size(seen, "executor"))
    if lines or ends:
        return Found("executor-lost", "executors went away, and the job with them", True, tuple(lines[-3:]))
    return None


def driver_gone(seen: Seen) -> Found | None:
    """The driver's pod is gone, and its end with it."""
    is_missing = seen.facts.driver is None and seen.could_read("driver pod") and seen.state == "RUNNING"
    if "driver pod not found" in seen.error or "driver container status missing" in seen.error or is_missing:
        said = seen.error or "it is gone while the application is RUNNING"
        sentence = f"nobody saw how pod {seen.pod} ended ({said}): it was deleted, or its node was lost"
        return Found("driver-gone", sentence, True)
    if seen.exit_code == _TERMINATED or (seen.exit_code == _KILLED and seen.is_leaving):
        sentence = (
            f"the {seen.process} was asked to end (exit {seen.exit_code}): it was deleted, or its node was drained"
        )
        return Found("driver-gone", sentence, True)
    return None


def deadline(seen: Seen) -> Found | None:
    """It took longer than it may."""
    if seen.facts.deadline:
        return Found("deadline", f"it took longer than {seen.facts.deadline}, and was removed", True)
    if ((seen.facts.driver or {}).get("status") or {}).get("reason") == "DeadlineExceeded":
        return Found("deadline", "it took longer than activeDeadlineSeconds of its pod", True)
    return None


def deleted(seen: Seen) -> Found | None:
    """Somebody removed it."""
    found = seen.facts.application
    if found is None and seen.could_read("application"):
        sentence = (
            f"namespace {seen.facts.namespace} has no application {seen.facts.name}: somebody deleted it, "
            "or it ended more than a day ago"
        )
        return Found("deleted", sentence, True, look=(seen.kubectl("get sparkapplications"),))
    if found is not None and found["metadata"].get("deletionTimestamp"):
        return Found("deleted", f"somebody deleted it at {found['metadata']['deletionTimestamp']}", True)
    return None


def _heap(seen: Seen) -> str:
    return next((line for line in seen.exceptions if line.startswith("java.lang.OutOfMemoryError")), "")


def _in_a_task(seen: Seen) -> bool:
    return any("stage failure" in line for line in seen.exceptions)


def _pods(seen: Seen) -> Iterator[Json]:
    if seen.facts.driver:
        yield seen.facts.driver
    if seen.is_live:
        yield from seen.facts.executors


def _name(pod: Json) -> str:
    return str(pod["metadata"]["name"])


def _describe(seen: Seen, pod: Json | None = None) -> str:
    return seen.kubectl(f"describe pod {_name(pod) if pod else seen.pod}")


def _messages(seen: Seen) -> list[str]:
    return [str(event.get("message") or "") for event in seen.facts.events]


def _events(seen: Seen, reason: str) -> Iterator[str]:
    """Yield what events of a reason say, newest first."""
    for event in reversed(seen.facts.events):
        if event.get("reason") == reason:
            yield str(event.get("message") or "")


def _quotas(seen: Seen) -> tuple[str, ...]:
    lines = []
    for each in seen.facts.quotas:
        status = each.get("status") or {}
        used, hard = status.get("used") or {}, status.get("hard") or {}
        room = ", ".join(f"{name} {used.get(name, '0')} of {limit}" for name, limit in sorted(hard.items()))
        lines.append(f"quota {each['metadata']['name']}: {room}")
    return tuple(lines)


def _size(seen: Seen, part: str) -> tuple[str, ...]:
    """Say what the part may take, and which size of a pipeline gives it more."""
    memory = (((seen.facts.application or {}).get("spec") or {}).get(part) or {}).get("memory")
    if not memory:
        return ()
    sizes = {name: getattr(size, f"{part}_memory") for name, size in SIZES.items()}
    size = next((name for name, given in sizes.items() if given == memory), None)
    larger = list(sizes)[list(sizes).index(size) + 1 :] if size else []
    advice = f"; size {larger[0]} in iceberg/pipelines.yaml gives {sizes[larger[0]]}" if larger else ""
    return (f"{part} memory {memory}{f' (size {size})' if size else ''}{advice}",)
