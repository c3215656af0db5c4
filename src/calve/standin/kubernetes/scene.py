"""Where a play takes place: the objects of a cluster, as operator, kubelet and a person with kubectl change them.

`StoredScene` is the stand-in's own store. The tests have another one, which asks a real API server.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from calve.standin.kubernetes import changes
from calve.standin.kubernetes.logs import Logs
from calve.standin.kubernetes.removal import Removal
from calve.standin.kubernetes.resources import PODS, Object, Resource
from calve.standin.kubernetes.store import Store


class Scene(Protocol):
    """What a play needs of a cluster. Refusals are `RefusedError`, with the server's own Status."""

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Return what keeps several steps together, where that can be."""

    def listed(self, resource: Resource, namespace: str) -> list[Object]:
        """Return the objects of a namespace."""

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Return an object, or raise the 404."""

    def create(self, resource: Resource, namespace: str, given: Object) -> Object:
        """Create an object."""

    def change(self, resource: Resource, namespace: str, name: str, edit: Callable[[Object], object]) -> Object:
        """Edit what the parts of a cluster write: the status of an object, and the node of a pod."""

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete an object as kubectl does; return when it is gone."""

    def vanish(self, pod: Object) -> None:
        """Let a pod be gone, whoever runs it."""

    def hold_pods(self, namespace: str) -> None:
        """Let the pods of a namespace that are deleted from now on stay until they vanish."""

    def write_log(self, pod: Object, text: str, at: datetime | None) -> None:
        """Add lines to a pod's log."""


class StoredScene:
    """The stand-in's own state."""

    def __init__(self, store: Store, logs: Logs, removal: Removal) -> None:
        self._store, self._logs, self._removal = store, logs, removal

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Return the store's lock."""
        return self._store.lock

    def listed(self, resource: Resource, namespace: str) -> list[Object]:
        """Return the objects of a namespace."""
        return self._store.listed(resource, namespace)[0]

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        return self._store.find(resource, namespace, name)

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Return an object, or raise the 404."""
        return self._store.get(resource, namespace, name)

    def create(self, resource: Resource, namespace: str, given: Object) -> Object:
        """Create an object, with the server's checks."""
        return changes.create(self._store, resource, namespace, given)

    def change(self, resource: Resource, namespace: str, name: str, edit: Callable[[Object], object]) -> Object:
        """Edit an object in one step."""
        return self._store.change(resource, namespace, name, edit)

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete an object and what belongs to it."""
        self._removal.delete(resource, (namespace, name), {})

    def vanish(self, pod: Object) -> None:
        """Take a pod away."""
        metadata = pod["metadata"]
        self._removal.finish(metadata["namespace"], metadata["name"], metadata["uid"])

    def hold_pods(self, namespace: str) -> None:
        """Let pods that are deleted stay."""
        uids = {each["metadata"]["uid"] for each in self.listed(PODS, namespace)}
        self._removal.keeps = uids.__contains__

    def write_log(self, pod: Object, text: str, at: datetime | None) -> None:
        """Add lines to a pod's log."""
        self._logs.append(pod["metadata"]["uid"], text, at)
