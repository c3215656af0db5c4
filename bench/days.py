"""A day's run, at ten and at 400 days of history, and against a load of all 400 days: time, rows and files.

A run is both pipelines, from extraction to publication, in a Spark session that is up. Every round runs the day on
another clone of the lake. A history is loaded as one interval, which is what a full reload does as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from chain_engine import Engine, Lake  # type: ignore[import-not-found]

from bench.measure import Aim, Comparison, Gauge, Sample, Work, times
from calve.standin.source import HISTORY_START

SHORT, LONG = (HISTORY_START + timedelta(days=days) for days in (10, 400))
SAME = Aim("at most 1.2", 1.2)
SMALL = Aim("at most 1/20", 1 / 20)


@dataclass(frozen=True)
class Volumes:
    """What each run added to the lake: rows landed, rows written to curated and quarantine, data files of all."""

    landed: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    @property
    def rows(self) -> list[int]:
        """Return rows landed and written."""
        return [sum(pair) for pair in zip(self.landed, self.written, strict=True)]

    @contextmanager
    def of(self, lake: Lake) -> Iterator[None]:
        """Note what is added during a block."""
        before = _added(lake)
        yield
        added = _added(lake)
        added.subtract(before)
        self.landed.append(added["raw rows"])
        self.written.append(added["curated rows"] + added["quarantine rows"])
        self.files.append(added["files"])


def compare(engine: Engine, empty: Lake, gauge: Gauge, *, loads: int) -> list[Comparison]:
    """Load the short history, then the long one as often as asked; run the day after each in turns."""
    first, after_short, after_long = Volumes(), Volumes(), Volumes()
    with ExitStack() as stack:
        short = stack.enter_context(_filled(engine, empty, SHORT))
        _load(short, SHORT, gauge, Volumes())
        shop = stack.enter_context(_filled(engine, empty, LONG))
        load: list[Sample] = []
        for _ in range(loads):
            long = stack.enter_context(engine.clone(shop))
            load.append(_load(long, LONG, gauge, first))
        cases = {
            "day after 10 days": lambda: _day(engine, short, SHORT, after_short),
            "day after 400 days": lambda: _day(engine, long, LONG, after_long),
        }
        found = gauge.in_turns(cases)
    early, late = found.values()
    what, against = "a day at 400 days of history, against a day at 10", "a day, against a load of 400 days"
    return [
        *times(what, late, early, (SAME, SAME)),
        Comparison(f"{what}, rows landed", after_long.landed, after_short.landed),
        *times(against, late, load, (None, SMALL)),
        Comparison(f"{against}, rows landed and written", after_long.rows, first.rows, "", SMALL),
        Comparison(f"{against}, of these landed", after_long.landed, first.landed),
        Comparison(f"{against}, data files written", after_long.files, first.files, "", SMALL),
    ]


@contextmanager
def _filled(engine: Engine, empty: Lake, until: date) -> Iterator[Lake]:
    """Give a lake with nothing in it, and its shop filled."""
    with engine.clone(empty) as lake:
        lake.fill(until)
        yield lake


def _load(lake: Lake, until: date, gauge: Gauge, volumes: Volumes) -> Sample:
    with volumes.of(lake):
        return gauge.sample(f"load until {until}", lambda: _run(lake, HISTORY_START, until))


@contextmanager
def _day(engine: Engine, history: Lake, day: date, volumes: Volumes) -> Iterator[Work]:
    following = day + timedelta(days=1)
    with engine.clone(history) as lake:
        lake.fill(following)
        with volumes.of(lake):
            yield lambda: _run(lake, day, following)


def _run(lake: Lake, since: date, until: date) -> None:
    words = {verdict.word for found in lake.run(since=since, until=until).values() for verdict in found}
    if words != {"passed"}:
        msg = f"bench: the run {since}/{until} is {words}, expected passed; the figures would mean nothing"
        raise RuntimeError(msg)


def _added(lake: Lake) -> Counter[str]:
    """Return the rows and files of all snapshots that the lake ever got."""
    found: Counter[str] = Counter()
    for namespace in lake.catalog.list_namespaces():
        for table in lake.catalog.list_tables(namespace):
            for snapshot in lake.catalog.load_table(table).metadata.snapshots:
                summary = snapshot.summary.additional_properties
                found[f"{namespace[0]} rows"] += int(summary.get("added-records", 0))
                found["files"] += int(summary.get("added-data-files", 0))
    return found
