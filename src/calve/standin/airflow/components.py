"""Start Airflow's components, start those again that die, and end them all.

Promises that nothing outlives the command that started it, even if that is killed: each component has the guard of the
Kubernetes stand-in above it. A component that dies is started again, as Kubernetes would; one that cannot stay up ends
everything, with the end of its log. Never ends a process by name.
"""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from calve.errors import LocalEngineError
from calve.standin.kubernetes import guard
from calve.standin.local.state import Recorded, State

STOP_SECONDS = 20.0
# One that ends this soon so often in a row cannot stay up.
YOUNG_SECONDS, YOUNG_DEATHS = 30.0, 3
LOG_LINES = 12


@dataclass(frozen=True)
class Component:
    """One program of ours or of Airflow's, that runs until it is told to end."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(repr=False)


@dataclass
class _Running:
    component: Component
    process: subprocess.Popen[bytes]
    began: float
    young_deaths: int = 0


class Components:
    """All that was started, from the first `start` to `stop`."""

    def __init__(self, state: State, say: Callable[[str], None]) -> None:
        self._state, self._say = state, say
        self._running: dict[str, _Running] = {}
        self._ended: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()

    def start(self, component: Component, young_deaths: int = 0) -> None:
        """Start one; it may not be ready yet."""
        log = self._state.log(component.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603  # our own guard
                [sys.executable, "-I", "-S", str(Path(guard.__file__)), *component.command],
                cwd=self._state.root,
                env=dict(component.environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[component.name] = _Running(component, process, time.monotonic(), young_deaths)
        self._state.record({**self._state.processes(), component.name: Recorded.of(process.pid, 0)})
        threading.Thread(target=self._wait, args=(component.name, process), daemon=True).start()

    def revive(self, seconds: float | None = None) -> None:
        """Wait for one to die and start it again; return after so many seconds if none does.

        Raises:
            LocalEngineError: One cannot stay up.
        """
        try:
            name, code = self._ended.get(timeout=seconds)
        except queue.Empty:
            return
        died = self._running[name]
        _close(died.process)
        is_young = time.monotonic() - died.began < YOUNG_SECONDS
        deaths = died.young_deaths + 1 if is_young else 0
        if deaths >= YOUNG_DEATHS:
            raise LocalEngineError(self._cannot_stay_up(name, code))
        self._say(f"{name} ended with {code}; started again")
        self.start(died.component, deaths)

    def stop(self, names: list[str]) -> None:
        """Ask these to end, and kill what does not, with all that they started."""
        chosen = [self._running.pop(name) for name in names if name in self._running]
        started = [child for one in chosen for child in _below(one.process.pid)]
        for one in chosen:
            with suppress(ProcessLookupError):
                one.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for one in chosen:
            if not _waited(one.process, until - time.monotonic()):
                with suppress(ProcessLookupError):
                    one.process.send_signal(signal.SIGUSR1)
                _waited(one.process, STOP_SECONDS)
            _close(one.process)
        # A task has a group of its own, which the guard does not know.
        for child in started:
            with suppress(psutil.Error):
                child.kill()
        self._state.record({name: one for name, one in self._state.processes().items() if name in self._running})

    @property
    def names(self) -> list[str]:
        """Return those that run, in the order of their first start."""
        return list(self._running)

    def _wait(self, name: str, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        running = self._running.get(name)
        if running is not None and running.process is process:
            self._ended.put((name, code))

    def _cannot_stay_up(self, name: str, code: int) -> str:
        log = self._state.log(name)
        tail = "\n".join(f"  {line[:200]}" for line in log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        return (
            f"Airflow: {name} ended {YOUNG_DEATHS} times soon after its start, with {code}; its log {log} ends\n{tail}"
        )


def _below(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        return found
    return []


def _waited(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(max(seconds, 0.0))
    except subprocess.TimeoutExpired:
        return False
    return True


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
