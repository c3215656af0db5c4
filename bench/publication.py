"""Publishing ten tables, against ten calls of Iceberg's `fast_forward`: the same ten branches with a row each, in S3.

calve's publication moves the ten at once, with verdicts, lease and record; the peer moves one after the other. Each
round stages anew, on tables of the case's own, and looks afterwards whether every `main` is at what was staged.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chain_engine import Engine  # type: ignore[import-not-found]
from chain_engine import Lake as Chain
from small_lake import ROWS, Lake, day, rows  # type: ignore[import-not-found]

from bench.measure import Aim, Comparison, Gauge, Work, times
from calve.lake.attempts import start_attempt
from calve.lake.catalog import table_state
from calve.lake.lease import Holder
from calve.lake.publication import publish
from calve.lake.verdicts import DatasetVerdict, record_verdicts

TABLES = 10
AIM = Aim("at most 1/10", 1 / 10)
_numbers = itertools.count(1)


def compare(engine: Engine, gauge: Gauge) -> list[Comparison]:
    """Measure both in turns."""
    with engine.clone(engine.lake("shop", "calve", scale=1)) as chain:
        ours, peer = (_tables(chain, prefix) for prefix in ("ours", "peer"))
        cases = {"publish": lambda: _publish(ours), "fast_forward": lambda: _fast_forward(chain, peer)}
        found = gauge.in_turns(cases)
    what = f"publish {TABLES} tables, against {TABLES} fast_forward"
    return times(what, found["publish"], found["fast_forward"], wall=AIM, cpu=AIM)


def _tables(chain: Chain, prefix: str) -> Lake:
    names = tuple(f"{prefix}_{number}" for number in range(TABLES))
    lake = Lake(chain.settings, chain.records, chain.catalog, names, "bench")
    lake.catalog.create_namespace_if_not_exists("curated")
    for name in names:
        lake.catalog.create_table(f"curated.{name}", ROWS).append(rows("", 0))
    return lake


@contextmanager
def _publish(lake: Lake) -> Iterator[Work]:
    run = day(next(_numbers), lake.pipeline)
    lease = lake.lease(run)
    attempt = start_attempt(lake.conn, run, lease.epoch, "digest", Holder.here())
    verdicts = []
    for name in lake.datasets:
        uuid, base, staged = lake.branch(f"curated.{name}", run, attempt)
        verdicts.append(
            DatasetVerdict(run.key, name, attempt, "passed", uuid, base, staged, None, None, None, row_count=1)
        )
    record_verdicts(lake.conn, run.key, verdicts, epoch=lease.epoch)
    yield lambda: publish(lake.settings, lake.conn, run, lease.epoch)
    lake.give_back(lease)
    _must_be_at(lake, [verdict.staged_snapshot_id for verdict in verdicts])


@contextmanager
def _fast_forward(chain: Chain, lake: Lake) -> Iterator[Work]:
    run = day(next(_numbers), lake.pipeline)
    staged = [lake.branch(f"curated.{name}", run, 1)[2] for name in lake.datasets]
    chain.activate()
    calls = [f"call system.fast_forward('curated.{name}', 'main', '{run.branch(1)}')" for name in lake.datasets]
    yield lambda: [chain.session.sql(call).collect() for call in calls]
    _must_be_at(lake, staged)


def _must_be_at(lake: Lake, staged: Sequence[int | None]) -> None:
    found = [table_state(lake.catalog, f"curated.{name}").main_snapshot_id for name in lake.datasets]
    if found != list(staged):
        msg = f"bench: main of {lake.datasets} is at {found}, expected {staged}; the figures would mean nothing"
        raise RuntimeError(msg)
