"""Keep the verdicts of runs: written once per run key, all datasets in one transaction.

A verdict names exact snapshots, so that what was audited is what is published. It is never changed; when `main`
moved before publication it is voided, with the reason, and the run stages and is audited again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from calve.effects import effect
from calve.errors import BlockedError
from calve.lake.lease import require
from calve.lake.metrics import (
    ControlDifference,
    MetricRow,
    insert_differences,
    insert_metrics,
    metric_history,
    open_differences,
)
from calve.lake.records import Connection, Cursor, transaction
from calve.runs import Run

__all__ = [
    "ControlDifference",
    "DatasetVerdict",
    "MetricRow",
    "RuleResult",
    "metric_history",
    "open_differences",
    "record_verdicts",
    "verdicts_of",
    "void_verdicts",
]

Word = Literal["passed", "blocked"]
Outcome = Literal["passed", "warned", "quarantined", "blocked"]


@dataclass(frozen=True)
class RuleResult:
    """What one rule found in one dataset; `samples` are keys, never restricted values."""

    rule: str
    severity: str
    outcome: Outcome
    checked_rows: int
    broken_rows: int
    allowed_rows: int
    column: str | None = None
    detail: str = ""
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetVerdict:
    """What the audit says of one staged dataset.

    Attributes:
        base_snapshot_id: `main` when the run staged; None for a table that never had a snapshot.
        staged_snapshot_id: The audited snapshot; the base itself when the run changed nothing.
        fates: Rows per fate, per source.
        touched: Files, rows and bytes rewritten, and the table's total.
        inputs: Pinned snapshots and landings that it was computed from.
    """

    run_key: str
    dataset: str
    attempt: int
    word: Word
    table_uuid: str
    base_snapshot_id: int | None
    staged_snapshot_id: int | None
    quarantine_uuid: str | None
    quarantine_base_id: int | None
    quarantine_snapshot_id: int | None
    row_count: int
    results: tuple[RuleResult, ...] = ()
    fates: dict[str, dict[str, int]] = field(default_factory=dict)
    touched: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    decided_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def record_verdicts(
    conn: Connection,
    run_key: str,
    verdicts: Sequence[DatasetVerdict],
    *,
    epoch: int,
    metrics: Mapping[str, Sequence[MetricRow]] | None = None,
    differences: Mapping[str, Sequence[ControlDifference]] | None = None,
) -> tuple[DatasetVerdict, ...]:
    """Record the verdicts of all datasets of a run, unless it has some, and return those that count.

    Args:
        metrics: What was measured, by dataset.
        differences: What was compared with control totals, by dataset.

    Raises:
        LeaseLostError: `epoch` is not the lease of the pipeline any more; nothing was recorded.
    """
    with effect("verdict.record"), transaction(conn) as cursor:
        require(cursor, Run.parse(run_key).pipeline, epoch)
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 2))", (run_key,))
        first = read_verdicts(cursor, run_key)
        if first:
            return first
        for verdict in verdicts:
            _insert(cursor, run_key, verdict)
        for dataset, measured in (metrics or {}).items():
            insert_metrics(cursor, run_key, dataset, measured)
        for dataset, compared in (differences or {}).items():
            insert_differences(cursor, run_key, dataset, compared)
        return read_verdicts(cursor, run_key)


def verdicts_of(conn: Connection, run_key: str) -> tuple[DatasetVerdict, ...]:
    """Return the verdicts of a run by dataset name; empty while it has none."""
    with transaction(conn) as cursor:
        return read_verdicts(cursor, run_key)


def read_verdicts(cursor: Cursor, run_key: str) -> tuple[DatasetVerdict, ...]:
    """Return the same inside a transaction of the caller."""
    rows = cursor.execute(
        "select * from calve.verdict where run_key = %s and voided_at is null order by dataset", (run_key,)
    ).fetchall()
    return tuple(_verdict(row) for row in rows)


def void_verdicts(conn: Connection, run_key: str, reason: str, *, epoch: int) -> int:
    """Void the verdicts of a run whose base moved, so that it can stage again; return how many.

    A blocked verdict is final and stays; so do the verdicts of a published run.

    Raises:
        BlockedError: The run is blocked.
    """
    with effect("verdict.void"), transaction(conn) as cursor:
        require(cursor, Run.parse(run_key).pipeline, epoch)
        found = read_verdicts(cursor, run_key)
        if any(verdict.word == "blocked" for verdict in found):
            msg = f"run {run_key}: blocked, which is final; run the interval again, as its next generation"
            raise BlockedError(msg)
        return cursor.execute(
            """
            update calve.verdict set voided_at = clock_timestamp(), void_reason = %(reason)s
            where run_key = %(run_key)s and voided_at is null
                and not exists (select 1 from calve.publication where run_key = %(run_key)s)
            """,
            {"reason": reason, "run_key": run_key},
        ).rowcount


def _insert(cursor: Cursor, run_key: str, verdict: DatasetVerdict) -> None:
    values: dict[str, Any] = {name: getattr(verdict, name) for name in DatasetVerdict.__dataclass_fields__}
    values |= {name: Jsonb(values[name]) for name in ("fates", "touched", "inputs")}
    values |= {"run_key": run_key, "results": Jsonb([asdict(result) for result in verdict.results])}
    cursor.execute(
        """
        insert into calve.verdict (
            run_key, dataset, attempt, word, table_uuid, base_snapshot_id, staged_snapshot_id, quarantine_uuid,
            quarantine_base_id, quarantine_snapshot_id, row_count, results, fates, touched, inputs, decided_at
        ) values (
            %(run_key)s, %(dataset)s, %(attempt)s, %(word)s, %(table_uuid)s, %(base_snapshot_id)s,
            %(staged_snapshot_id)s, %(quarantine_uuid)s, %(quarantine_base_id)s, %(quarantine_snapshot_id)s,
            %(row_count)s, %(results)s, %(fates)s, %(touched)s, %(inputs)s, %(decided_at)s
        )
        """,
        values,
    )


def _verdict(row: DictRow) -> DatasetVerdict:
    values = {name: row[name] for name in DatasetVerdict.__dataclass_fields__}
    values["results"] = tuple(
        RuleResult(**{**result, "samples": tuple(result["samples"])}) for result in row["results"]
    )
    return DatasetVerdict(**values)
