"""Measure what several ways to reach the same end cost, in turns: seconds of the clock, and of all processes' CPU.

CPU is that of every process that works for a case: this one, Spark's Java, PostgreSQL, the object store, and their
children, the dead ones too. Preparing and clearing away is never measured, and the first turn only warms up.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from statistics import median

import psutil  # type: ignore[import-untyped]

Tell = Callable[[str], None]
Work = Callable[[], object]
Case = Callable[[], AbstractContextManager[Work]]
"""Prepares on entering, gives the work that is measured, and clears away."""


@dataclass(frozen=True)
class Sample:
    """What one piece of work took, in seconds."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Gauge:
    """Takes samples of work that is done by this process, by its children, and by servers that live beside it.

    Attributes:
        rounds: How often each case is measured.
        tell: Gets a line per sample.
    """

    servers: Sequence[psutil.Process]
    rounds: int
    tell: Tell

    def sample(self, what: str, work: Work) -> Sample:
        """Do the work once."""
        gc.collect()
        cpu, began = self._cpu_seconds(), time.perf_counter()
        work()
        wall = time.perf_counter() - began
        taken = Sample(wall, self._cpu_seconds() - cpu)
        self.tell(f"{what}: {taken.wall:.3f} s, CPU {taken.cpu:.2f} s")
        return taken

    def in_turns(self, cases: Mapping[str, Case]) -> dict[str, list[Sample]]:
        """Return the samples of each case; every other turn goes backwards, so that none always comes first."""
        samples: dict[str, list[Sample]] = {name: [] for name in cases}
        for number in range(self.rounds + 1):
            said = f"round {number}" if number else "warm-up"
            for name in list(cases)[:: -1 if number % 2 else 1]:
                with cases[name]() as work:
                    sample = self.sample(f"{name}, {said}", work)
                if number:
                    samples[name].append(sample)
        return samples

    def _cpu_seconds(self) -> float:
        live = {each.pid: each for root in (psutil.Process(), *self.servers) for each in _tree(root)}
        return sum(map(_spent, live.values()))


def _tree(root: psutil.Process) -> Iterable[psutil.Process]:
    return (root, *root.children(recursive=True))


def _spent(process: psutil.Process) -> float:
    """Return user and system seconds, with those of the children that ended."""
    with suppress(psutil.NoSuchProcess):
        return float(sum(process.cpu_times()[:4]))
    return 0.0


@dataclass(frozen=True)
class Aim:
    """How many times the peer's amount ours may be; `wanted` is how the aim is said."""

    wanted: str
    most: float


@dataclass(frozen=True)
class Comparison:
    """One line of the result.

    Attributes:
        unit: Of the amounts; empty for counts.
        aim: None for what is only told.
    """

    what: str
    ours: Sequence[float]
    peer: Sequence[float]
    unit: str = ""
    aim: Aim | None = None

    @property
    def ratio(self) -> float:
        """Return ours over the peer's, of medians."""
        return median(self.ours) / (median(self.peer) or 1e-9)

    @property
    def paired(self) -> float | None:
        """Return the median of the rounds' own ratios, where every round has both."""
        if len(self.ours) != len(self.peer):
            return None
        return median(ours / (peer or 1e-9) for ours, peer in zip(self.ours, self.peer, strict=True))

    @property
    def is_met(self) -> bool:
        """Tell whether the aim is reached."""
        return self.aim is None or self.ratio <= self.aim.most


def times(
    what: str, ours: Sequence[Sample], peer: Sequence[Sample], *, wall: Aim | None, cpu: Aim | None
) -> list[Comparison]:
    """Compare the clock and the CPU of two cases."""
    return [
        Comparison(f"{what}: wall", [each.wall for each in ours], [each.wall for each in peer], "s", wall),
        Comparison(f"{what}: CPU", [each.cpu for each in ours], [each.cpu for each in peer], "s", cpu),
    ]
