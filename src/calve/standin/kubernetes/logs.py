"""Logs of pods: lines with the instant they were written, told to those who follow; on disk too if a file is named."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One line of a log, without its line end."""

    written_at: datetime
    text: str

    def shown(self, *, timestamps: bool) -> str:
        """Return the line as the API serves it."""
        if not timestamps:
            return f"{self.text}\n"
        return f"{self.written_at.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z {self.text}\n"


@dataclass
class Log:
    """What one pod's container wrote."""

    file: Path | None = None
    lines: list[Line] = field(default_factory=list)


class Logs:
    """The logs of all pods, by uid."""

    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard = heard
        self._lock = threading.Lock()
        self._logs: dict[str, Log] = {}

    def keep_in(self, uid: str, file: Path) -> None:
        """Write a pod's log to a file as well."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        with self._lock:
            self._logs.setdefault(uid, Log()).file = file

    def append(self, uid: str, text: str, at: datetime | None = None) -> None:
        """Add lines to a pod's log."""
        with self._lock:
            log = self._logs.setdefault(uid, Log())
            log.lines += [Line(at or datetime.now(UTC), line) for line in text.splitlines()]
            if log.file is not None:
                with log.file.open("a") as file:
                    file.write(text if text.endswith("\n") else f"{text}\n")
        self._heard()

    def read(self, uid: str, start: int = 0) -> list[Line]:
        """Return the lines of a pod's log from a number on."""
        with self._lock:
            log = self._logs.get(uid)
            return log.lines[start:] if log else []
