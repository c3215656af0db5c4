"""Judge what one attempt staged, dataset by dataset, before anyone can read it.

Every rule of the contract gets a result, and so do the rules that hold for all datasets: immutable columns, the
source's own cut totals, its sealed control totals, and its description.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from calve.contract.models import Contract
from calve.contract.rules import Complete, Conserve, Drift, Fresh, RowRule, Rule, Unique, Volume
from calve.errors import JobFailedError
from calve.lake.catalog import table_state
from calve.lake.metrics import ControlDifference, MetricRow
from calve.lake.verdicts import DatasetVerdict, Outcome, RuleResult
from calve.spark.context import Context
from calve.spark.curate import Staged, Touched
from calve.spark.fates import fates_of
from calve.spark.history import Observation, drift, fresh, volume
from calve.spark.inputs import World
from calve.spark.measures import broken, measure
from calve.spark.partitions import partition_filter, partition_values
from calve.spark.quarantine import predicate, with_references
from calve.spark.reconcile import conserve, control_totals, cut_totals, described
from calve.spark.state import matching
from calve.spark.tables import at, curated, quarantine

logger = logging.getLogger(__name__)
SAMPLES = 5


@dataclass(frozen=True)
class Audited:
    """A dataset's verdict, what was measured for later runs, and what differs from sealed totals."""

    verdict: DatasetVerdict
    metrics: list[MetricRow]
    differences: list[ControlDifference]


def audit(
    context: Context, world: World, staged: Mapping[str, Staged], dataset: str, dimensions: Mapping[str, DataFrame]
) -> Audited:
    """Judge one staged dataset."""
    each = staged[dataset]
    contract = each.contract
    results = [*described(contract, world.landings), *cut_totals(contract, world.landings)]
    results += _quarantined(context, each)
    results += _on_staged(context, each, dimensions)
    metrics: list[MetricRow] = []
    for rule in contract.audit:
        observed = _over_time(context, each, rule)
        if observed is not None:
            results.append(observed.result)
            metrics += observed.metrics
        if isinstance(rule, Conserve):
            results.append(conserve(context, rule, each, staged[rule.of]))
    reconciled, differences, compared = control_totals(context, world, each)
    results += reconciled
    metrics += compared
    blocked = any(result.outcome == "blocked" for result in results)
    verdict = _verdict(context, world, each, tuple(results), blocked=blocked)
    logger.info("audited", extra={"dataset": dataset, "run_key": context.run.key, "verdict": verdict.word})
    return Audited(verdict, metrics, differences)


def _verdict(
    context: Context, world: World, each: Staged, results: tuple[RuleResult, ...], *, blocked: bool
) -> DatasetVerdict:
    name = each.contract.dataset
    summary = each.written.summary if each.written else {}
    return DatasetVerdict(
        run_key=context.run.key,
        dataset=name,
        attempt=context.attempt,
        word="blocked" if blocked else "passed",
        table_uuid=_uuid(context, curated(name)),
        base_snapshot_id=each.base,
        staged_snapshot_id=each.snapshot,
        quarantine_uuid=_uuid(context, quarantine(name)),
        quarantine_base_id=each.quarantine_base,
        quarantine_snapshot_id=each.quarantine_snapshot,
        row_count=int(summary.get("total-records", "0")),
        results=results,
        fates=fates_of(context, world, each),
        touched={key: int(value) for key, value in summary.items() if value.isdigit() and not key.startswith("calve")},
        inputs={table: pin.snapshot_id for table, pin in world.pins.items()},
        decided_at=datetime.now(UTC),
    )


def _uuid(context: Context, table: str) -> str:
    state = table_state(context.catalog, table)
    if state is None:
        msg = f"table {table}: staged, but the catalog doesn't know it; run again"
        raise JobFailedError(msg)
    return str(state.uuid)


def _quarantined(context: Context, each: Staged) -> list[RuleResult]:
    """Count the rows of this run that each quarantine rule kept out, against its budget."""
    contract, touched = each.contract, each.touched
    if not contract.row_rules:
        return []
    counts: dict[str, int] = {}
    judged = 0
    rows = None
    if touched is not None:
        rows = _not_counted_yet(context, each, touched)
        judged = rows.count()
        per_reason = rows.select(F.explode("_reasons").alias("reason")).groupBy("reason").count()
        counts = {row[0]: row[1] for row in per_reason.collect()}
    return [
        _quarantine_result(contract, rule, rows, judged=judged, found=counts.get(rule.name, 0))
        for rule in contract.row_rules
    ]


def _not_counted_yet(context: Context, each: Staged, touched: Touched) -> DataFrame:
    """Leave out what was kept out before just as it is now: it was counted, and its budget spent, then."""
    base = touched.bases.quarantine
    if base.is_empty:
        return touched.rows
    held = at(context.session, quarantine(each.contract.dataset), base.snapshot_id)
    return matching(touched.rows, held, [*each.contract.grain, "_row_hash", "_reasons"], "leftanti").localCheckpoint()


def _quarantine_result(
    contract: Contract, rule: RowRule, rows: DataFrame | None, *, judged: int, found: int
) -> RuleResult:
    allowed = rule.budget.allows(judged)
    outcome: Outcome = "passed" if found == 0 else "quarantined" if found <= allowed else "blocked"
    samples: tuple[str, ...] = ()
    if found and rows is not None:
        samples = _keys(contract, rows.where(F.array_contains("_reasons", rule.name)))
    return RuleResult(
        rule=rule.name,
        severity="quarantine",
        outcome=outcome,
        checked_rows=judged,
        broken_rows=found,
        allowed_rows=allowed,
        column=_columns(contract, rule),
        detail=f"{found:,} of {judged:,} rows break it, {allowed:,} allowed",
        samples=samples,
    )


def _columns(contract: Contract, rule: RowRule | Unique) -> str:
    """Return the columns that a rule is about; a predicate in SQL names them in its text."""
    return ", ".join(rule.columns or [c for c in contract.column_names if re.search(rf"\b{c}\b", rule.name)])


def _keys(contract: Contract, rows: DataFrame) -> tuple[str, ...]:
    """Return a few grain keys; grains hold no restricted values, only ids, dates and keyed hashes."""
    found = rows.select(*contract.grain).orderBy(*contract.grain).limit(SAMPLES).collect()
    return tuple(f"({', '.join(str(value) for value in row)})" for row in found)


def _on_staged(context: Context, each: Staged, dimensions: Mapping[str, DataFrame]) -> list[RuleResult]:
    """Check the staged snapshot itself, in the partitions that the run changed, with Deequ."""
    contract = each.contract
    rules = [rule for rule in contract.audit if isinstance(rule, RowRule | Unique)]
    rows = _changed_partitions(context, each)
    mine = f"`_run_key` <> '{context.run.key}'"
    predicates = {
        rule.name: f"{mine} or ({predicate(rule, context.judged)})"
        if rule.severity == "quarantine"
        else predicate(rule, context.judged)
        for rule in rules
        if not isinstance(rule, Unique) and not (isinstance(rule, Complete) and rule.severity != "quarantine")
    }
    complete = sorted({c for r in rules if isinstance(r, Complete) and r.severity != "quarantine" for c in r.complete})
    unique = sorted({rule.unique for rule in rules if isinstance(rule, Unique)})
    size, shares = 0, dict.fromkeys([*predicates, *(f"complete:{c}" for c in complete)], 1.0)
    if rows is not None:
        rows = with_references(contract, rows, dimensions)
        size, shares = measure(rows, predicates=predicates, complete=complete, unique=unique)
    results = []
    for rule in rules:
        share = min(shares.get(name, 1.0) for name in _names(rule))
        if rule.severity == "quarantine" and broken(size, share) == 0:
            continue  # already counted before staging; a row that slipped through blocks below
        results.append(_staged_result(contract, rule, rows, size=size, share=share, where=predicates.get(rule.name)))
    return results + _immutable(each)


def _names(rule: Rule) -> list[str]:
    if isinstance(rule, Unique):
        return [f"unique:{','.join(rule.unique)}"]
    if isinstance(rule, Complete) and rule.severity != "quarantine":
        return [f"complete:{column}" for column in rule.complete]
    return [rule.name]


def _staged_result(
    contract: Contract, rule: RowRule | Unique, rows: DataFrame | None, *, size: int, share: float, where: str | None
) -> RuleResult:
    found = broken(size, share)
    wanted = rule.min_percent / 100 if isinstance(rule, Complete) else 1.0
    allowed = size - round(size * wanted)
    outcome: Outcome = "passed" if found <= allowed else "warned" if rule.severity == "warn" else "blocked"
    samples: tuple[str, ...] = ()
    if outcome != "passed" and rows is not None:
        samples = _keys(contract, _breaking(rule, rows, where))
    return RuleResult(
        rule=rule.name,
        severity=rule.severity,
        outcome=outcome,
        checked_rows=size,
        broken_rows=found,
        allowed_rows=allowed,
        column=_columns(contract, rule),
        detail=f"{found:,} of {size:,} staged rows break it, {allowed:,} allowed",
        samples=samples,
    )


def _breaking(rule: RowRule | Unique, rows: DataFrame, where: str | None) -> DataFrame:
    if isinstance(rule, Unique):
        doubled = rows.groupBy(*rule.unique).count().where(F.col("count") > 1).select(*rule.unique)
        return rows.join(doubled, on=list(rule.unique), how="leftsemi")
    if isinstance(rule, Complete):
        where = " and ".join(f"`{column}` is not null" for column in rule.complete)
    return rows.where(~F.coalesce(F.expr(where or "true"), F.lit(False)))


def _changed_partitions(context: Context, each: Staged) -> DataFrame | None:
    contract = each.contract
    if each.touched is None or not each.moved:
        return None
    staged = at(context.session, curated(contract.dataset), each.snapshot)
    if not contract.partition_by:
        return staged
    changed = each.touched.differences.where(F.col("_fate") != "unchanged")
    values = {
        *partition_values(contract, changed.where(F.col("_old").isNotNull()).select("_old.*")),
        *partition_values(contract, changed.where(F.col("_fate").isin("inserted", "updated")).select("_new.*")),
    }
    return staged.where(partition_filter(contract, sorted(values, key=str))) if values else None


def _immutable(each: Staged) -> list[RuleResult]:
    names = [column.name for column in each.contract.columns if column.immutable]
    if not names:
        return []
    moved = F.lit(False)
    for name in names:
        moved = moved | ~F.col(f"_old.{name}").eqNullSafe(F.col(f"_new.{name}"))
    samples: tuple[str, ...] = ()
    found, checked = 0, sum(each.counts.values())
    if each.touched is not None and each.counts.get("updated"):
        rows = each.touched.differences.where((F.col("_fate") == "updated") & moved)
        found = rows.count()
        samples = _keys(each.contract, rows) if found else ()
    return [
        RuleResult(
            rule=f"immutable({', '.join(names)})",
            severity="block",
            outcome="blocked" if found else "passed",
            checked_rows=checked,
            broken_rows=found,
            allowed_rows=0,
            column=", ".join(names),
            detail=f"{found:,} of {checked:,} rows changed it, expected 0",
            samples=samples,
        )
    ]


def _over_time(context: Context, each: Staged, rule: Rule) -> Observation | None:
    match rule:
        case Volume():
            return volume(context, each, rule)
        case Drift():
            return drift(context, each, rule)
        case Fresh():
            return fresh(context, each, rule)
        case _:
            return None
