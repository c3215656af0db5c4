"""Deletion: what the API server, the garbage collector and the kubelet do together.

An application goes at once and takes its pods along (with `Foreground` it waits for them); a pod goes when whoever runs
its containers says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from calve.standin.kubernetes.changes import check_preconditions, instant
from calve.standin.kubernetes.resources import APPLICATIONS, PODS, Object, Resource
from calve.standin.kubernetes.store import Store

GRACE_SECONDS = 30
_FOREGROUND, _ORPHAN = "foregroundDeletion", "Orphan"


class Removal:
    """Takes objects away.

    Attributes:
        linger_seconds: How long a pod that nobody keeps stays terminating once it is deleted.
        keeps: Tells of a pod's uid whether its process lives; such a pod waits for `finish`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.linger_seconds = 0.0
        self.keeps: Callable[[str], bool] = lambda uid: False

    def delete(self, resource: Resource, place: tuple[str, str], options: dict[str, Any]) -> tuple[Object, bool]:
        """Delete the object at `(namespace, name)`; return it as it is now, and whether it is gone.

        Raises:
            RefusedError: 404, or 409 when a precondition does not hold; nothing was changed.
        """
        with self._store.lock:
            found = self._store.get(resource, *place)
            check_preconditions(resource, found, options.get("preconditions") or {})
            if resource is PODS:
                return self._delete_pod(found, options.get("gracePeriodSeconds"))
            policy = options.get("propagationPolicy") or "Background"
            if policy == "Foreground" and resource is APPLICATIONS and self._dependents(found):
                marked = self._mark(resource, found, _FOREGROUND)
                self._collect(marked)
                return marked, False
            if found["metadata"].get("finalizers"):
                return self._mark(resource, found), False
            gone = self._store.remove(resource, *place) or found
            if policy != _ORPHAN:
                self._collect(gone)
            return gone, True

    def finish(self, namespace: str, name: str, uid: str) -> None:
        """Take away a pod whose containers have ended; one of the same name that came later stays."""
        with self._store.lock:
            found = self._store.find(PODS, namespace, name)
            if found is None or found["metadata"]["uid"] != uid:
                return
            self._store.remove(PODS, namespace, name)
            self._release_owners(found)

    def _delete_pod(self, pod: Object, asked: int | None) -> tuple[Object, bool]:
        metadata = pod["metadata"]
        namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]
        grace = asked if asked is not None else pod["spec"].get("terminationGracePeriodSeconds", GRACE_SECONDS)
        kept = self.keeps(uid)
        ended = pod["status"].get("phase") in ("Succeeded", "Failed")
        if not kept and (grace == 0 or ended or not self.linger_seconds):
            self.finish(namespace, name, uid)
            return pod, True
        if metadata.get("deletionTimestamp") and metadata["deletionGracePeriodSeconds"] <= grace:
            return pod, False

        def mark(found: Object) -> None:
            found["metadata"]["deletionTimestamp"] = instant(datetime.now(UTC) + timedelta(seconds=grace))
            found["metadata"]["deletionGracePeriodSeconds"] = grace

        marked = self._store.change(PODS, namespace, name, mark)
        if not kept and not metadata.get("deletionTimestamp"):
            timer = threading.Timer(self.linger_seconds, self.finish, (namespace, name, uid))
            timer.daemon = True
            timer.start()
        return marked, False

    def _dependents(self, owner: Object) -> list[Object]:
        uid, namespace = owner["metadata"]["uid"], owner["metadata"]["namespace"]
        return [
            pod
            for pod in self._store.listed(PODS, namespace)[0]
            if any(each["uid"] == uid for each in pod["metadata"].get("ownerReferences", []))
        ]

    def _collect(self, owner: Object) -> None:
        for pod in self._dependents(owner):
            self._delete_pod(pod, None)

    def release(self, resource: Resource, found: Object) -> None:
        """Take an object away that was deleted, once nobody's finalizer holds it any more."""
        metadata = found["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers") and resource is not PODS:
            self._store.remove(resource, metadata["namespace"], metadata["name"])
            self._collect(found)

    def _mark(self, resource: Resource, found: Object, *finalizer: str) -> Object:
        def mark(marked: Object) -> None:
            metadata = marked["metadata"]
            metadata.setdefault("deletionTimestamp", instant())
            metadata["deletionGracePeriodSeconds"] = 0
            held = metadata.get("finalizers", [])
            metadata["finalizers"] = [*held, *(each for each in finalizer if each not in held)]

        metadata = found["metadata"]
        return self._store.change(resource, metadata["namespace"], metadata["name"], mark)

    def _release_owners(self, pod: Object) -> None:
        def unmark(found: Object) -> None:
            found["metadata"]["finalizers"].remove(_FOREGROUND)

        for reference in pod["metadata"].get("ownerReferences", []):
            namespace, name = pod["metadata"]["namespace"], reference["name"]
            owner = self._store.find(APPLICATIONS, namespace, name)
            if owner is None or owner["metadata"]["uid"] != reference["uid"]:
                continue
            if _FOREGROUND in owner["metadata"].get("finalizers", []) and not self._dependents(owner):
                self.release(APPLICATIONS, self._store.change(APPLICATIONS, namespace, name, unmark))
