"""Start, find and end the processes of the local engine.

Promises that only a process that we recorded, or that carries our mark, is ever signalled, and that a port in
use is explained before anything is started on it. Never ends a process by name.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from calve.effects import effect
from calve.errors import LocalEngineError
from calve.standin.local.state import MARK, Recorded, State, is_marked

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Part:
    """One server of the local engine.

    Attributes:
        variable: Environment variable that moves its port.
        environment: Secrets and settings that the child gets on top of ours.
        user: System user that it runs as; None means ours.
        stop_signal: Signal that ends it in good order.
    """

    name: str
    port: int
    command: list[str]
    variable: str
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    working_directory: Path = Path("/")


def mark(state: State, name: str) -> str:
    """Return what the environment of our child says of itself."""
    return f"{state.root}:{name}"


def start(part: Part, state: State) -> Recorded:
    """Start a part and record it; it survives our end. It may not be ready yet.

    Raises:
        LocalEngineError: Something else listens on its port. Nothing was started.
    """
    for left in unrecorded(part, state):
        stop(left, part.stop_signal)
    if is_listening(part.port):
        raise LocalEngineError(_port_in_use(part, listener(part.port)))
    found = spawn(part, state)
    state.record({**state.processes(), part.name: found})
    return found


def unrecorded(part: Part, state: State) -> Iterator[Recorded]:
    """Find a part of ours that an `up` started and did not live to write down; it may not listen yet."""
    known = state.processes().get(part.name)
    wanted = mark(state, part.name)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            # PostgreSQL's own children carry the mark too, under another title.
            is_part = is_marked(process, wanted) and process.cmdline()[:1] == part.command[:1]
            if is_part and (known is None or known.pid != process.pid):
                yield Recorded.of(process.pid, part.port, wanted)


def spawn(part: Part, state: State) -> Recorded:
    """Start a part's process and return it once others can know it as ours; nothing is looked at or recorded."""
    log = state.log(part.name)
    log.parent.mkdir(parents=True, exist_ok=True)
    drop: dict[str, object] = {"user": part.user, "group": _group(part.user), "extra_groups": []} if part.user else {}
    with effect("local.start"), log.open("ab") as output:
        child = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603  # a command of our own
            part.command,
            cwd=part.working_directory,
            env={**os.environ, **part.environment, MARK: mark(state, part.name)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **drop,
        )
        found = Recorded.of(child.pid, part.port, mark(state, part.name))
        # Popen returns when the kernel takes the program's place up; for an instant nobody sees its environment.
        deadline = time.monotonic() + STOP_SECONDS
        while child.poll() is None and found.process() is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS / 50)
        return found


def _group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def wait_ready(part: Part, recorded: Recorded, *, state: State, ready: Callable[[], bool]) -> None:
    """Wait until a part answers.

    Raises:
        LocalEngineError: It ended, or did not answer in time; shows the end of its log.
    """
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if recorded.process() is None:
            raise LocalEngineError(_did_not_start(part, state, "ended at once"))
        if time.monotonic() > deadline:
            raise LocalEngineError(_did_not_start(part, state, f"did not answer within {START_SECONDS:.0f} s"))
        time.sleep(POLL_SECONDS)


def stop(recorded: Recorded, stop_signal: int) -> None:
    """End a recorded process in good order, else by force; one that isn't ours any more is left alone."""
    process = recorded.process()
    if process is None:
        return
    with effect("local.stop"), suppress(psutil.NoSuchProcess):
        process.send_signal(stop_signal)
        if not _is_gone(recorded):
            process.kill()
            _is_gone(recorded)


def _is_gone(recorded: Recorded) -> bool:
    # Not psutil's wait: it waits for a zombie's parent too, and in a container that may be a process that never looks.
    deadline = time.monotonic() + STOP_SECONDS
    while recorded.process() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_listening(port: int) -> bool:
    """Tell whether anybody accepts connections on this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def listener(port: int) -> psutil.Process | None:
    """Return the process that listens on a port, when we may know it."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS tells it to root only
        return None
    for one in connections:
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid:
            with suppress(psutil.NoSuchProcess):
                return psutil.Process(one.pid)
    return None


def _port_in_use(part: Part, owner: psutil.Process | None) -> str:
    who = "by a process that we may not see"
    if owner is not None:
        with suppress(psutil.Error):
            who = f"by pid {owner.pid}: {' '.join(owner.cmdline())[:120]}"
    return (
        f"{part.name}: port {part.port} of {HOST} is in use {who}, expected it free; "
        f"end that process, or choose another port with {part.variable}"
    )


def _did_not_start(part: Part, state: State, found: str) -> str:
    log = state.log(part.name)
    lines = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
    tail = "\n".join(f"  {line[:200]}" for line in lines)
    return f"{part.name}: {found}, expected it to listen on {HOST}:{part.port}; its log {log} ends\n{tail}"
