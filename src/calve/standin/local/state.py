"""The state folder: where each part keeps its files, and which processes are ours.

Promises that a process is ours only when its pid, start time and mark are those recorded, so that a recycled
pid is never mistaken for one of ours. Never stores a secret outside `settings.json`, which only its owner can read.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from calve.effects import effect

# psutil computes a start time from the machine's boot time, which moves a little when the clock is corrected.
START_TOLERANCE_SECONDS = 2.0
MARK = "CALVE_LOCAL_PART"  # in each child's environment: a child that was started and not recorded is known by it


@dataclass(frozen=True)
class State:
    """The folder of the local engine.

    Attributes:
        root: Absolute path of `.calve`.
    """

    root: Path

    @property
    def settings_file(self) -> Path:
        """Return the file that the profile `local` reads its defaults from."""
        return self.root / "settings.json"

    @property
    def processes_file(self) -> Path:
        """Return the record of the processes that `up` started."""
        return self.root / "processes.json"

    @property
    def snowflake(self) -> Path:
        """Return the folder of the Snowflake stand-in."""
        return self.root / "snowflake"

    def log(self, part: str) -> Path:
        """Return the log file of a part."""
        return self.root / "log" / f"{part}.log"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one `up` or `down` at a time change this folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "local.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def settings(self) -> dict[str, object]:
        """Return what `settings.json` holds; empty when there is none."""
        return _read(self.settings_file)

    def save_settings(self, settings: dict[str, object]) -> None:
        """Write `settings.json` whole, readable by its owner only; an equal file is left alone."""
        if settings != self.settings():
            with effect("local.settings"):
                _write(self.settings_file, settings)

    def processes(self) -> dict[str, Recorded]:
        """Return the recorded processes by part."""
        return {part: Recorded(**fields) for part, fields in _read(self.processes_file).items()}  # type: ignore[arg-type]

    def record(self, processes: dict[str, Recorded]) -> None:
        """Write the record of processes whole."""
        _write(self.processes_file, {part: asdict(one) for part, one in processes.items()})


@dataclass(frozen=True)
class Recorded:
    """A process that `up` started: enough to know it again.

    Attributes:
        mark: What its environment says of itself under MARK; empty is not compared.
    """

    pid: int
    started: float
    port: int
    mark: str = ""

    @classmethod
    def of(cls, pid: int, port: int, mark: str = "") -> Recorded:
        """Record a process that runs now."""
        return cls(pid, psutil.Process(pid).create_time(), port, mark)

    def process(self) -> psutil.Process | None:
        """Return the process if it still runs and is the one recorded."""
        try:
            found = psutil.Process(self.pid)
            if found.status() == psutil.STATUS_ZOMBIE:
                return None
            same = abs(found.create_time() - self.started) <= START_TOLERANCE_SECONDS
            return found if same and is_marked(found, self.mark) else None
        except psutil.NoSuchProcess:
            return None


def is_marked(process: psutil.Process, mark: str) -> bool:
    """Tell whether a process carries this mark; an empty one is on everybody."""
    if not mark:
        return True
    with suppress(psutil.AccessDenied):
        return bool(process.environ().get(MARK) == mark)
    return False


def _read(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    found: dict[str, object] = json.loads(path.read_text())
    return found


def _write(path: Path, content: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.unlink(missing_ok=True)
    written.touch(mode=0o600)
    written.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    written.replace(path)
