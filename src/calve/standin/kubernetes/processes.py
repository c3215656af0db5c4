"""Processes that stand for containers: started under a guard, their output a pod's log, their end told."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from calve.standin.kubernetes.logs import Logs

MARK = "CALVE_KUBERNETES_STANDIN"
_GUARD = Path(__file__).with_name("guard.py")
_REST_SECONDS = 5.0


class Process:
    """One process; ends with this one, however that ends."""

    def __init__(self, uid: str, command: list[str], place: Path, environment: Mapping[str, str]) -> None:
        """Start a process for a pod's uid, which is its mark in the environment."""
        self.uid = uid
        self.code: int | None = None
        self._kill_at: float | None = None
        self._child = subprocess.Popen(  # noqa: S603  # our own guard
            [sys.executable, "-I", "-S", str(_GUARD), *command],
            cwd=place,
            env={**environment, MARK: uid, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Return the guard's pid; the command is its child."""
        return self._child.pid

    def follow(self, logs: Logs, ended: Callable[[], None]) -> None:
        """Write what it says to its pod's log, and tell its end once its code is known."""
        threading.Thread(target=self._follow, args=(logs, ended), name=f"pod-{self.uid}", daemon=True).start()

    def terminate(self, grace_seconds: float) -> None:
        """Ask it to end; it is killed when the grace is over. A later, shorter grace counts."""
        kill_at = time.monotonic() + grace_seconds
        if self._kill_at is None:
            with suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGTERM)
        self._kill_at = kill_at if self._kill_at is None else min(self._kill_at, kill_at)

    def kill(self) -> None:
        """Kill it and all that it started."""
        # Not by closing its standard input: a driver that follows that would end by itself, with a code of its own.
        with suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGUSR1)

    def kill_when_due(self) -> float | None:
        """Kill it if its grace is over; return for how long it still has grace, None if it was not asked to end."""
        if self._kill_at is None or self.code is not None:
            return None
        left = self._kill_at - time.monotonic()
        if left <= 0:
            self.kill()
            return None
        return left

    def wait(self, seconds: float) -> None:
        """Wait for its end, at most so long."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(seconds)

    def _follow(self, logs: Logs, ended: Callable[[], None]) -> None:
        output = self._child.stdout
        reader = threading.Thread(target=self._read, args=(logs,), daemon=True)
        reader.start()
        code = self._child.wait()
        # A process that left its group may hold the pipe open; its pod has ended all the same.
        reader.join(_REST_SECONDS)
        if output is not None and not reader.is_alive():
            output.close()
        if self._child.stdin is not None:
            self._child.stdin.close()
        self.code = code if code >= 0 else 128 - code
        ended()

    def _read(self, logs: Logs) -> None:
        if self._child.stdout is not None:
            for line in self._child.stdout:
                logs.append(self.uid, line.decode(errors="replace"))
