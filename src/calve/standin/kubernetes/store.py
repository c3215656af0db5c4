"""The objects, one counter for all of their versions, and the history that watches read.

Every change is one step under one lock, gets the next version and is told to those who listen. What the store hands out
is a copy; nobody changes an object behind its back.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from calve.standin.kubernetes.refusals import expired, not_found
from calve.standin.kubernetes.resources import Object, Resource

HISTORY = 10_000
Key = tuple[Resource, str, str]


@dataclass(frozen=True)
class Change:
    """One step of the history.

    Attributes:
        kind: ADDED, MODIFIED or DELETED.
        before: What it was; None for what is new.
    """

    version: int
    kind: str
    resource: Resource
    namespace: str
    after: Object
    before: Object | None


class Store:
    """All objects of the stand-in, in memory."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._objects: dict[Key, Object] = {}
        self._history: deque[Change] = deque(maxlen=HISTORY)
        # Above those of a server that was here before, so that its clients learn that their version is too old.
        self._version = time.time_ns() // 1_000_000
        self._forgotten = self._version
        self._listeners: list[Callable[[], None]] = []

    @property
    def version(self) -> int:
        """Return the newest version."""
        with self.lock:
            return self._version

    @contextmanager
    def listening(self, heard: Callable[[], None]) -> Iterator[None]:
        """Call `heard` after each change, from whichever thread made it, until the block ends."""
        with self.lock:
            self._listeners.append(heard)
        try:
            yield
        finally:
            with self.lock:
                self._listeners.remove(heard)

    def ring(self) -> None:
        """Wake everybody who listens, though no object changed."""
        with self.lock:
            for heard in list(self._listeners):
                heard()

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        with self.lock:
            return copy.deepcopy(self._objects.get((resource, namespace, name)))

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Return an object.

        Raises:
            RefusedError: 404.
        """
        found = self.find(resource, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return found

    def listed(self, resource: Resource, namespace: str | None = None) -> tuple[list[Object], int]:
        """Return the objects of a namespace (None: of all) in the order of their names, and the version of the list."""
        with self.lock:
            keys = sorted(
                (key for key in self._objects if key[0] == resource and namespace in (None, key[1])),
                key=lambda key: key[1:],
            )
            return [copy.deepcopy(self._objects[key]) for key in keys], self._version

    def put(self, resource: Resource, namespace: str, name: str, found: Object) -> Object:
        """Store an object, new or changed, under the next version; one that is the same as before changes nothing."""
        with self.lock:
            key = (resource, namespace, name)
            before = self._objects.get(key)
            if before is not None and before == found:
                return copy.deepcopy(before)
            kept = copy.deepcopy(found)
            self._objects[key] = kept
            self._record("ADDED" if before is None else "MODIFIED", key, kept, before)
            return copy.deepcopy(kept)

    def change(self, resource: Resource, namespace: str, name: str, edit: Callable[[Object], object]) -> Object:
        """Edit an object in place, in one step.

        Raises:
            RefusedError: 404.
        """
        with self.lock:
            found = self.get(resource, namespace, name)
            edit(found)
            return self.put(resource, namespace, name, found)

    def remove(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Remove an object and return what it was; None when it is gone already."""
        with self.lock:
            key = (resource, namespace, name)
            before = self._objects.pop(key, None)
            if before is None:
                return None
            last = copy.deepcopy(before)
            self._record("DELETED", key, last, before)
            return copy.deepcopy(last)

    def since(self, version: int) -> list[Change]:
        """Return the changes after a version, in their order.

        Raises:
            RefusedError: 410; the history does not reach back to it.
        """
        with self.lock:
            if version < self._forgotten:
                raise expired(version, self._forgotten)
            return [change for change in self._history if change.version > version]

    def forget(self) -> None:
        """Drop the history: whoever resumes from an older version than the newest is told 410."""
        with self.lock:
            self._history.clear()
            self._forgotten = self._version

    def _record(self, kind: str, key: Key, after: Object, before: Object | None) -> None:
        self._version += 1
        after["metadata"]["resourceVersion"] = str(self._version)
        if len(self._history) == HISTORY:
            self._forgotten = self._history[0].version
        self._history.append(Change(self._version, kind, key[0], key[1], after, before))
        self.ring()
