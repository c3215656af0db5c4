"""`watch=true`: the changes after a version, as they happen, one JSON document per line."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from calve.standin.kubernetes.refusals import RefusedError
from calve.standin.kubernetes.resources import Object, Resource
from calve.standin.kubernetes.selection import Matches
from calve.standin.kubernetes.store import Change, Store


class Bell:
    """Wakes a coroutine from any thread; must be made in the coroutine's loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the waiter, or let its next wait return at once."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, seconds: float | None) -> None:
        """Wait for a ring, at most so long."""
        try:
            await asyncio.wait_for(self._rung.wait(), seconds)
        except TimeoutError:
            return
        self._rung.clear()


@dataclass(eq=False)
class Stream:
    """One answer that goes on: a watch or a log that is followed."""

    bell: Bell
    dropped: bool = False


class Streams:
    """All answers that go on, so that they can be ended."""

    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard = heard
        self._lock = threading.Lock()
        self._open: list[Stream] = []

    @contextmanager
    def open(self, bell: Bell) -> Iterator[Stream]:
        """Know a stream until the block ends."""
        stream = Stream(bell)
        with self._lock:
            self._open.append(stream)
        self._heard()
        try:
            yield stream
        finally:
            with self._lock:
                self._open.remove(stream)
            self._heard()

    @property
    def count(self) -> int:
        """Return how many are open."""
        with self._lock:
            return len(self._open)

    def drop(self) -> None:
        """End all that are open now."""
        with self._lock:
            for stream in self._open:
                stream.dropped = True
                stream.bell.ring()


@dataclass(frozen=True)
class Watched:
    """What a watch asks.

    Attributes:
        version: Only what changed after it; None begins with what is there, as ADDED.
        seconds: When it ends by itself; None never.
        bookmark_seconds: How often it says its version; None never.
    """

    resource: Resource
    namespace: str
    matches: Matches
    version: int | None
    seconds: float | None
    bookmark_seconds: float | None


async def events(store: Store, streams: Streams, watched: Watched) -> AsyncIterator[bytes]:
    """Yield the events of a watch until its time is over; a version that is too old gives one ERROR and the end."""
    ends = None if watched.seconds is None else time.monotonic() + watched.seconds
    bell = Bell()
    with store.listening(bell.ring), streams.open(bell) as stream:
        with store.lock:
            present, version = ([], watched.version) if watched.version is not None else _present(store, watched)
        for each in present:
            yield _event("ADDED", each)
        bookmark = _later(watched.bookmark_seconds)
        while not stream.dropped:
            try:
                changes = store.since(version)
            except RefusedError as error:
                yield _event("ERROR", error.status)
                return
            for change in changes:
                version = max(version, change.version)
                if event := _seen(change, watched):
                    yield event
            now = time.monotonic()
            over = ends is not None and now >= ends
            if bookmark is not None and (over or now >= bookmark):
                yield _event("BOOKMARK", _bookmark(watched.resource, version))
                bookmark = _later(watched.bookmark_seconds)
            if over:
                return
            waits = [at - now for at in (ends, bookmark) if at is not None]
            await bell.wait(max(0.0, min(waits)) if waits else None)


def _present(store: Store, watched: Watched) -> tuple[list[Object], int]:
    found, version = store.listed(watched.resource, watched.namespace)
    return [each for each in found if watched.matches(each)], version


def _seen(change: Change, watched: Watched) -> bytes | None:
    """Return the event of a change for those who see only what matches: coming into sight is ADDED, leaving DELETED."""
    if change.resource != watched.resource or change.namespace != watched.namespace:
        return None
    before = change.before is not None and watched.matches(change.before)
    after = change.kind != "DELETED" and watched.matches(change.after)
    if before and after:
        return _event("MODIFIED", change.after)
    if after:
        return _event("ADDED", change.after)
    if not before:
        return None
    last = change.before or {}
    metadata = {**last["metadata"], "resourceVersion": str(change.version)}
    return _event("DELETED", {**last, "metadata": metadata})


def _bookmark(resource: Resource, version: int) -> Object:
    found = {"kind": resource.kind, "apiVersion": resource.api_version}
    return {**found, "metadata": {"resourceVersion": str(version), "creationTimestamp": None}}


def _event(kind: str, found: Object) -> bytes:
    return json.dumps({"type": kind, "object": found}, separators=(",", ":")).encode() + b"\n"


def _later(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds
