"""Stands between the runner and a process, and plays the container: no process outlives its runner.

Started by its path, with nothing but the standard library: `python -I -S guard.py COMMAND…`. Standard input is a pipe
that the runner holds and never writes to; the command gets the same one. When it closes, the runner is gone, and
whatever the command started is killed; USR1 asks for the same. A TERM goes to the command alone, as to a container's
first process; when that has ended, so has all that it started. The exit code is the command's; a signal is 128 + its
number.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

_PR_SET_CHILD_SUBREAPER = 36
_DEATH_SECONDS = 5.0


def main(command: list[str]) -> int:
    """Run the command and return its code."""
    asked: list[int] = []
    pids: list[int] = []

    def hand_on(number: int, *_: object) -> None:
        asked.append(number)
        for pid in pids:
            _hand_on(number, pid)

    signal.signal(signal.SIGTERM, hand_on)
    signal.signal(signal.SIGUSR1, hand_on)
    _adopt_orphans()
    try:
        child = subprocess.Popen(command, start_new_session=True)  # noqa: S603  # what the runner names
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 128
    pids.append(child.pid)
    for number in asked:
        _hand_on(number, child.pid)
    threading.Thread(target=_kill_with_runner, args=(child.pid,), daemon=True).start()
    code = child.wait()
    pids.clear()
    _end(child.pid)
    return code if code >= 0 else 128 - code


def _hand_on(number: int, pid: int) -> None:
    if number == signal.SIGUSR1:
        _kill(pid)
        return
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _kill_with_runner(group: int) -> None:
    # Looks and does not read: the command reads the same pipe.
    hung_up = select.poll()
    hung_up.register(0, select.POLLIN | select.POLLHUP)
    hung_up.poll()
    _kill(group)


def _end(group: int) -> None:
    """Kill what the command started and left behind, and wait until it is dead: a pod is gone when all of it is."""
    _kill(group)
    ends = time.monotonic() + _DEATH_SECONDS
    while time.monotonic() < ends:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.005)


def _adopt_orphans() -> None:
    """Become the parent of orphaned descendants, so that the dead among them don't stay as zombies; Linux only."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
