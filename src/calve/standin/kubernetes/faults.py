"""Faults that tests ask for, and the record of what was asked of the server."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Fault:
    """What befalls the next requests that match.

    Attributes:
        method: Regular expression for the whole method.
        path: Regular expression that is searched in the path with its query, e.g. `/pods/.*/log` or `watch=true`.
        times: How many requests it befalls.
        status: Answer this instead; None answers as usual, if late.
        retry_after: For the header `Retry-After`: seconds, or a date as a proxy may write it.
        body: Body instead of a Status object: text, or what is written as JSON.
        applied: First do what is asked, then answer the fault: a lost reply.
        reset: Reset the connection instead of an answer.
        latency_seconds: Wait before anything else.
    """

    method: str = ".*"
    path: str = ".*"
    times: int = 1
    status: int | None = None
    retry_after: int | str | None = None
    body: Any = None
    applied: bool = False
    reset: bool = False
    latency_seconds: float = 0.0


@dataclass
class Recorded:
    """One request that reached the server.

    Attributes:
        status: None while nothing was answered, and for ever when the connection was reset.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    agent: str = ""
    status: int | None = None


class Faults:
    """The faults that are still to come; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault befall the next requests that match; earlier faults go first."""
        re.compile(fault.method), re.compile(fault.path)
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget what did not happen yet."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come, as JSON."""
        with self._lock:
            return [asdict(each) for each in self._waiting]

    def take(self, method: str, target: str) -> Fault | None:
        """Return the fault that befalls this request, and count it."""
        with self._lock:
            for each in self._waiting:
                if re.fullmatch(each.method, method) and re.search(each.path, target):
                    each.times -= 1
                    if each.times <= 0:
                        self._waiting.remove(each)
                    return each
        return None
