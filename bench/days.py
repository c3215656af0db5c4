"""A day's run, after a short and after a long history, and against a load of the long one: time, rows and files.

A run is both pipelines, from extraction to publication, in a Spark session that is up. Every round runs the day on
another clone of the lake. A history is loaded as one interval, which is what a full reload does as well.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from chain_engine import Engine, Lake  # type: ignore[import-not-found]

from bench.measure import Aim, Comparison, Gauge, Sample, Work, times
from calve.standin.source import HISTORY_START

# Not 10 and 400 exactly: on the days that follow these, as many rows change, and of the same tables.
SHORT_DAYS, LONG_DAYS = 11, 404
SHORT, LONG = (HISTORY_START + timedelta(days=days) for days in (SHORT_DAYS, LONG_DAYS))
SAME = Aim("at most 1.2", 1.2)
SMALL = Aim("at most 1/20", 1 / 20)


@dataclass(frozen=True)
class Volumes:
    """What each run added to the lake: rows landed, rows written to curated and quarantine, data files of all."""

    landed: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

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
        self.landed.append(added["raw"])
        self.written.append(added["curated"] + added["quarantine"])
        self.files.append(added["added-data-files"])
        self.megabytes.append(added["added-files-size"] / 1e6)


def after_histories(engine: Engine, gauge: Gauge, *, scale: float) -> list[Comparison]:
    """Measure the day after each history in turns."""
    few, many = Volumes(), Volumes()
    with _filled(engine, scale, SHORT) as short, _filled(engine, scale, LONG) as long:
        _load(short, SHORT, gauge, Volumes())
        _load(long, LONG, gauge, Volumes())
        cases = {
            f"day after {SHORT_DAYS} days": lambda: _day(engine, short, SHORT, few),
            f"day after {LONG_DAYS} days": lambda: _day(engine, long, LONG, many),
        }
        early, late = gauge.in_turns(cases).values()
    what = f"a day after {LONG_DAYS} days of history, against one after {SHORT_DAYS}, scale {scale:g}"
    return [*times(what, late, early, wall=SAME, cpu=SAME), Comparison(f"{what}: rows landed", many.landed, few.landed)]


def against_load(engine: Engine, gauge: Gauge, *, scale: float, loads: int) -> list[Comparison]:
    """Load the long history as often as asked, then measure the day after it."""
    ours, whole = Volumes(), Volumes()
    load: list[Sample] = []
    with _filled(engine, scale, SHORT) as warm, _filled(engine, scale, LONG) as shop:
        # Else the load would pay for warming Java up, and the day would not.
        _load(warm, SHORT, gauge, Volumes())
        for _ in range(loads - 1):
            with engine.clone(shop) as lake:
                load.append(_load(lake, LONG, gauge, whole))
        load.append(_load(shop, LONG, gauge, whole))
        (day,) = gauge.in_turns({f"day at scale {scale:g}": lambda: _day(engine, shop, LONG, ours)}).values()
    what = f"a day, against a load of {LONG_DAYS} days, scale {scale:g}"
    return [
        *times(what, day, load, wall=None, cpu=SMALL),
        Comparison(f"{what}: rows landed and written", ours.rows, whole.rows, "", SMALL),
        Comparison(f"{what}: of these landed", ours.landed, whole.landed),
        Comparison(f"{what}: data files", ours.files, whole.files, "", SMALL),
        Comparison(f"{what}: their size", ours.megabytes, whole.megabytes, "MB"),
    ]


@contextmanager
def _filled(engine: Engine, scale: float, until: date) -> Iterator[Lake]:
    """Give a lake with nothing in it, and its shop filled."""
    with engine.clone(engine.lake("shop", "calve", scale=scale)) as lake:
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
    """Return the rows per namespace, files and bytes that all snapshots of the lake added."""
    found: Counter[str] = Counter()
    catalog = lake.catalog
    for namespace, name in itertools.chain.from_iterable(map(catalog.list_tables, catalog.list_namespaces())):
        for snapshot in catalog.load_table((namespace, name)).metadata.snapshots:
            summary = snapshot.summary.additional_properties
            found[namespace] += int(summary.get("added-records", 0))
            for key in ("added-data-files", "added-files-size"):
                found[key] += int(summary.get(key, 0))
    return found
