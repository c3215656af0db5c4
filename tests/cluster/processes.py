"""Processes of the control plane: each under a guard, so that none outlives the tests, and with a log of its own."""

import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from calve.standin.kubernetes import guard

STOP_SECONDS = 5.0


@dataclass
class Processes:
    """What runs in one folder, by name."""

    folder: Path
    _running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, name: str, command: list[str]) -> None:
        """Start a process; what it says is in `NAME.log`."""
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, *command],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self, name: str) -> None:
        """Fail when a process has ended, with the last lines of its log."""
        code = self._running[name].poll()
        if code is not None:
            last = "\n".join(self._log(name).read_text(errors="replace").splitlines()[-5:])
            msg = f"{name} ended with {code}, expected it to run; its log ends with\n{last}"
            raise RuntimeError(msg)

    def pids(self) -> dict[str, int]:
        """Return the pids of the guards that run."""
        return {name: each.pid for name, each in self._running.items() if each.poll() is None}

    def kill(self, name: str) -> None:
        """End a process at once, as when its machine is lost."""
        child = self._running.pop(name)
        # The guard kills what it guards, and then ends.
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGUSR1)
        child.wait(STOP_SECONDS)
        child.stdin.close()

    def stop(self, name: str) -> None:
        """Ask a process to end, and kill it when it does not."""
        child = self._running[name]
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
        self.kill(name)

    def stop_all(self) -> None:
        """End all, those that were started last first."""
        for name in reversed(list(self._running)):
            self.stop(name)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"
