"""Writing rows to a branch and publishing it, against Spark's plain append of the same rows to an equal table.

Both tables are made by calve from the same contract, anew each round: equal columns, partitions, order, properties.
Spark computes the frame while it writes it, as cheaply as it can. There is no audit on either side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from chain_engine import Engine, Lake  # type: ignore[import-not-found]
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from bench.measure import Aim, Comparison, Gauge, Work, times
from calve.contract.models import Contract
from calve.lake.attempts import end_attempt, start_attempt
from calve.lake.catalog import table_state
from calve.lake.lease import Holder, held
from calve.lake.publication import Publication, publish
from calve.lake.verdicts import DatasetVerdict, record_verdicts
from calve.runs import Interval, Run
from calve.spark.tables import LINEAGE, Target, curated, ensure_curated, open_branch, quarantine, write

CONTRACT = "fct_order_line"
AIM = Aim("at most 1.05", 1.05)
MONTHS = 12
_numbers = itertools.count(1)


def compare(engine: Engine, gauge: Gauge, *, rows: int) -> list[Comparison]:
    """Measure both in turns."""
    with engine.clone(engine.lake("shop", "calve", scale=1)) as lake:
        cases = {"stage and publish": lambda: _staged(lake, rows), "plain append": lambda: _appended(lake, rows)}
        found = gauge.in_turns(cases)
    what = f"stage and publish {rows:,} rows, against a plain append"
    return times(what, found["stage and publish"], found["plain append"], wall=AIM, cpu=AIM)


@contextmanager
def _staged(lake: Lake, rows: int) -> Iterator[Work]:
    with _new_table(lake, rows) as (contract, frame):
        yield lambda: _stage_and_publish(lake, contract, frame)


@contextmanager
def _appended(lake: Lake, rows: int) -> Iterator[Work]:
    with _new_table(lake, rows) as (contract, frame):
        yield lambda: frame.writeTo(curated(contract.dataset)).append()


@contextmanager
def _new_table(lake: Lake, rows: int) -> Iterator[tuple[Contract, DataFrame]]:
    """Give a contract whose table is empty, and rows for it; drop the table afterwards, files too."""
    contract = lake.project.contracts[CONTRACT]
    contract = contract.model_copy(update={"dataset": f"{CONTRACT}_{next(_numbers)}"})
    lake.activate()
    ensure_curated(lake.session, lake.catalog, contract)
    yield contract, _frame(lake, contract, rows)
    shown = lake.session.table(curated(contract.dataset)).count()
    for table in (curated(contract.dataset), quarantine(contract.dataset)):
        lake.session.sql(f"drop table {table} purge")
    if shown != rows:
        msg = f"bench: {contract.dataset} shows {shown:,} rows, expected {rows:,}; the figures would mean nothing"
        raise RuntimeError(msg)


def _frame(lake: Lake, contract: Contract, rows: int) -> DataFrame:
    kinds = {column.name: column.type for column in contract.columns}
    values = [_value(kind).alias(name) for name, kind in kinds.items()]
    values += [_value("timestamptz" if kind == "timestamp" else kind).alias(name) for name, kind in LINEAGE.items()]
    frame: DataFrame = lake.session.range(rows).select(*values)
    return frame


def _value(kind: str) -> Column:
    """Return a cheap value of a type; instants and dates spread over a year, so that every partition gets rows."""
    number = F.col("id")
    days = F.date_add(F.lit("2025-01-01").cast("date"), (number * 7919 % (MONTHS * 30)).cast("int"))
    if kind == "timestamptz":
        return days.cast("timestamp")
    if kind == "date":
        return days
    if kind == "string":
        return (number % 9973).cast("string")
    if kind == "boolean":
        return number % 3 == 0
    if kind == "long":
        return number
    return (number % 9973).cast(kind.replace("int", "integer") if kind == "int" else kind)


def _stage_and_publish(lake: Lake, contract: Contract, frame: DataFrame) -> Publication:
    """Do what a run does to one dataset, from its lease to its publication, without the audit."""
    run = Run(f"bench_{contract.dataset}", Interval.parse("2026-01-01"))
    table = curated(contract.dataset)
    with held(lake.settings, run.pipeline, run.key) as lease:
        attempt = start_attempt(lake.records, run, lease.epoch, "digest", Holder.here())
        base, beside = table_state(lake.catalog, table), table_state(lake.catalog, quarantine(contract.dataset))
        open_branch(lake.session, table, run.branch(attempt), base.main_snapshot_id or 0)
        summary = {"calve.attempt": f"{run.key}/{attempt}", "calve.run-key": run.key}
        written = write(frame, Target(lake.catalog, table, run.branch(attempt), summary))
        verdict = DatasetVerdict(
            run.key,
            contract.dataset,
            attempt,
            "passed",
            base.uuid,
            base.main_snapshot_id,
            written.snapshot_id,
            beside.uuid,
            beside.main_snapshot_id,
            beside.main_snapshot_id,
            row_count=written.count("total-records"),
        )
        record_verdicts(lake.records, run.key, [verdict], epoch=lease.epoch)
        end_attempt(lake.records, run.key, attempt, "passed")
        return publish(lake.settings, lake.records, run, lease.epoch)
