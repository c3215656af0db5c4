"""`GET …/pods/{name}/log`: which container, from where, until when; with the real server's refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from calve.standin.kubernetes.logs import Logs
from calve.standin.kubernetes.refusals import bad_request
from calve.standin.kubernetes.resources import PODS, Object
from calve.standin.kubernetes.store import Store
from calve.standin.kubernetes.watching import Bell, Streams


@dataclass(frozen=True)
class Asked:
    """What a request for a log asks."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: datetime | None = None

    @classmethod
    def of(cls, query: dict[str, str]) -> Asked:
        """Read the query.

        Raises:
            RefusedError: 400; a value is malformed.
        """
        try:
            # In whole seconds, as the API server hands it on to the kubelet.
            since = (
                datetime.fromisoformat(query["sinceTime"]).replace(microsecond=0) if query.get("sinceTime") else None
            )
            if query.get("sinceSeconds"):
                since = datetime.now(UTC) - timedelta(seconds=int(query["sinceSeconds"]))
            tail = int(query["tailLines"]) if query.get("tailLines") else None
        except ValueError as error:
            msg = f"log options: {error}"
            raise bad_request(msg) from error
        words = {key: query.get(key, "").lower() in ("true", "1") for key in ("follow", "previous", "timestamps")}
        return cls(container=query.get("container", ""), tail=tail, since=since, **words)


def check(pod: Object, asked: Asked) -> bool:
    """Tell whether there is a log to read; a pod without a node has none, and that is no error.

    Raises:
        RefusedError: 400; which container is unclear or unknown, or it has not started.
    """
    name, spec = pod["metadata"]["name"], pod["spec"]
    names = [each["name"] for each in spec.get("containers", [])]
    if not asked.container and len(names) != 1:
        msg = f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
        raise bad_request(msg)
    container = asked.container or names[0]
    if container not in names:
        msg = f"container {container} is not valid for pod {name}"
        raise bad_request(msg)
    if not spec.get("nodeName"):
        return False
    where = f'container "{container}" in pod "{name}"'
    state = container_state(pod, container)
    if asked.previous:
        msg = f"previous terminated {where} not found"
        raise bad_request(msg)
    if "running" in state or "terminated" in state:
        return True
    reason = state.get("waiting", {}).get("reason", "")
    said = {
        "ErrImagePull": "is waiting to start: image can't be pulled",
        "ImagePullBackOff": "is waiting to start: trying and failing to pull image",
        "": "is waiting to start - no logs yet",
    }.get(reason, f"is waiting to start: {reason}")
    msg = f"{where} {said}"
    raise bad_request(msg)


def container_state(pod: Object, container: str) -> dict[str, Any]:
    """Return the state of a pod's container; empty while the kubelet has not said anything of it."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return next((each.get("state", {}) for each in statuses if each["name"] == container), {})


async def lines(store: Store, logs: Logs, streams: Streams, pod: Object, asked: Asked) -> AsyncIterator[bytes]:
    """Yield the log, and with `follow` what comes until the container has ended or the pod is gone."""
    metadata = pod["metadata"]
    namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]
    container = asked.container or pod["spec"]["containers"][0]["name"]
    bell = Bell()
    with store.listening(bell.ring), streams.open(bell) as stream:
        found = logs.read(uid)
        at = len(found)
        if asked.tail is not None:
            found = found[max(0, at - asked.tail) :]
        while True:
            for line in found:
                if asked.since is None or line.written_at >= asked.since:
                    yield line.shown(timestamps=asked.timestamps).encode()
            now = store.find(PODS, namespace, name)
            gone = now is None or now["metadata"]["uid"] != uid
            ended = gone or "terminated" in container_state(now or {}, container)
            found = logs.read(uid, at)
            at += len(found)
            if not found and (ended or not asked.follow or stream.dropped):
                return
            if not found:
                await bell.wait(None)
