"""Faults on request: replies that get lost, statements that fail, for the tests that need them.

A fault waits for a statement that its pattern matches and strikes a given number of statements. Nothing here
knows what a statement does, and without a fault nothing here does anything.
"""

import re
import threading
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["lost", "lost_once", "dropped", "failed"]
KINDS: tuple[Kind, ...] = ("lost", "lost_once", "dropped", "failed")


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: `lost`: applied, no reply, and none to the connector's own retries of the request either;
            `lost_once`: applied, no reply, the connector's retry is answered with the stored reply;
            `dropped`: not applied, no reply, nor to retries; `failed`: not applied, error 000603.
        pattern: Searched in the statement's text, ignoring case.
        times: How many statements it strikes.
    """

    kind: Kind
    pattern: re.Pattern[str]
    times: int = 1
    struck: list[str] = field(default_factory=list)


class Faults:
    """The faults that wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._silent: set[str] = set()

    def add(self, asked: dict[str, Any]) -> None:
        """Add one fault: `{"kind": ..., "pattern": ..., "times": 1}`.

        Raises:
            ValueError: The kind is unknown or the pattern no regular expression.
        """
        if asked.get("kind") not in KINDS:
            msg = f"fault: kind is {asked.get('kind')!r}; use one of {', '.join(KINDS)}"
            raise ValueError(msg)
        try:
            pattern = re.compile(str(asked["pattern"]), re.IGNORECASE | re.DOTALL)
        except (KeyError, re.error) as error:
            msg = f"fault: pattern is {asked.get('pattern')!r}; give a regular expression"
            raise ValueError(msg) from error
        with self._lock:
            self._waiting.append(Fault(asked["kind"], pattern, int(asked.get("times", 1))))

    def clear(self) -> None:
        """Forget all faults and answer every request again."""
        with self._lock:
            self._waiting.clear()
            self._silent.clear()

    def strike(self, sql: str, request_id: str) -> Kind | None:
        """Return what goes wrong with a statement, once per fault and time."""
        with self._lock:
            if request_id in self._silent:
                return "dropped"
            for fault in self._waiting:
                if len(fault.struck) < fault.times and fault.pattern.search(sql):
                    fault.struck.append(sql)
                    if fault.kind in {"lost", "dropped"}:
                        self._silent.add(request_id)
                    return fault.kind
        return None

    def listed(self) -> list[dict[str, Any]]:
        """Return every fault and the statements that it struck."""
        with self._lock:
            return [
                {"kind": fault.kind, "pattern": fault.pattern.pattern, "times": fault.times, "struck": fault.struck}
                for fault in self._waiting
            ]
