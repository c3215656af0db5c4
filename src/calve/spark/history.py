"""Rules that compare a run with earlier days: volume, drift, freshness.

History is what published runs measured; the interval under audit never teaches the check to accept it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from calve.contract.rules import Drift, Fresh, Volume
from calve.lake.metrics import MetricRow, metric_history
from calve.lake.verdicts import Outcome, RuleResult
from calve.spark.context import Context
from calve.spark.curate import Staged
from calve.spark.tables import at, curated

WEEKS = 4
KEPT = timedelta(days=60)  # of a first load, older days are never compared with
NAMED = 5


@dataclass(frozen=True)
class Observation:
    """A rule's result, and what it measured for later runs."""

    result: RuleResult
    metrics: list[MetricRow]


def _window(context: Context, each: Staged, column: str, *, first: datetime) -> DataFrame:
    rows = at(context.session, curated(each.contract.dataset), each.snapshot)
    return rows.where((F.col(column) >= F.lit(first)) & (F.col(column) < F.lit(context.run.interval.until)))


def _days(context: Context) -> list[date]:
    """Return the interval's days that history can be compared with: all but those of a first load."""
    interval = context.run.interval
    first = max(interval.since, interval.until - KEPT)
    return [(first + timedelta(days=n)).date() for n in range((interval.until - first).days)]


def volume(context: Context, each: Staged, rule: Volume) -> Observation:
    """Count rows per UTC day of the interval, and compare with the median of the same weekday before."""
    days = _days(context)
    part = F.col(rule.per).cast("string") if rule.per else F.lit("")
    rows = _window(context, each, rule.volume, first=datetime(*days[0].timetuple()[:3], tzinfo=UTC))
    grouped = rows.groupBy(F.to_date(rule.volume).alias("day"), part.alias("part")).count().collect()
    counted = {(row["day"], row["part"] or ""): row["count"] for row in grouped}
    history = _history(context, each, rule.name, days[0])
    wrong, judged = [], 0
    for day in days:
        before = [history.get(day - timedelta(weeks=n), {}) for n in range(1, WEEKS + 1)]
        before = [parts for parts in before if parts]
        for name in sorted({name for parts in before for name in parts}):
            expected = median(parts.get(name, (0, 0))[0] for parts in before)
            if expected < rule.min_expected:
                continue
            judged += 1
            percent = 100 * counted.get((day, name), 0) / expected
            if percent < rule.min_percent or (rule.max_percent is not None and percent > rule.max_percent):
                label = f" {rule.per}={name}" if rule.per else ""
                wrong.append(f"{day}{label}: {counted.get((day, name), 0):,} rows, usually {expected:,.0f}")
    metrics = [MetricRow(rule.name, day, name, float(n), n) for (day, name), n in sorted(counted.items())]
    if rule.per is None:
        # A day without any row is a measurement too.
        metrics += [MetricRow(rule.name, day, "", 0.0, 0) for day in days if (day, "") not in counted]
    return Observation(_result(rule, rule.volume, judged, wrong, "days"), metrics)


def drift(context: Context, each: Staged, rule: Drift) -> Observation:
    """Compare the mean per part in the interval with that of the four weeks before."""
    days = _days(context)
    rows = _window(context, each, rule.at, first=datetime(*days[0].timetuple()[:3], tzinfo=UTC))
    grouped = rows.groupBy(F.to_date(rule.at).alias("day"), F.col(rule.per).cast("string").alias("part")).agg(
        F.sum(rule.drift).alias("total"), F.count(rule.drift).alias("rows")
    )
    found = grouped.where(F.col("part").isNotNull()).collect()
    metrics = [MetricRow(rule.name, r["day"], r["part"], float(r["total"] or 0), r["rows"]) for r in found]
    now = _pooled((m.part, m.value, m.count) for m in metrics)
    past = _history(context, each, rule.name, days[0])
    first = days[0] - timedelta(weeks=WEEKS)
    before = _pooled((part, v, n) for day, parts in past.items() if day >= first for part, (v, n) in parts.items())
    wrong, judged = [], 0
    for part, (mean, count) in sorted(now.items()):
        usual, known = before.get(part, (0.0, 0))
        if min(count, known) < rule.min_rows or usual == 0:
            continue
        judged += 1
        change = 100 * (mean / usual - 1)
        if abs(change) > rule.max_percent:
            wrong.append(f"{rule.per}={part}: mean {mean:,.2f}, usually {usual:,.2f} ({change:+.0f} %)")
    return Observation(_result(rule, rule.drift, judged, wrong, "parts"), metrics)


def fresh(context: Context, each: Staged, rule: Fresh) -> Observation:
    """Look for a value no older than the rule allows at the interval's end."""
    until = context.run.interval.until
    since = until - timedelta(hours=rule.hours)
    rows = at(context.session, curated(each.contract.dataset), each.snapshot)
    recent = rows.where((F.col(rule.fresh) >= F.lit(since)) & (F.col(rule.fresh) < F.lit(until)))
    wrong = [] if not recent.isEmpty() else [f"nothing in {rule.fresh} after {since:%Y-%m-%d %H:%M} UTC"]
    return Observation(_result(rule, rule.fresh, 1, wrong, "newest values"), [])


def _history(context: Context, each: Staged, rule: str, before: date) -> dict[date, dict[str, tuple[float, int]]]:
    first = before - timedelta(weeks=WEEKS)
    found: dict[date, dict[str, tuple[float, int]]] = defaultdict(dict)
    for row in metric_history(context.records, each.contract.dataset, rule, first, before):
        found[row.day][row.part] = (row.value, row.count)
    return found


def _pooled(rows: Iterable[tuple[str, float, int]]) -> dict[str, tuple[float, int]]:
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
    for part, total, count in rows:
        sums[part][0] += total
        sums[part][1] += count
    return {part: (total / count, int(count)) for part, (total, count) in sums.items() if count}


def _result(rule: Volume | Drift | Fresh, column: str, judged: int, wrong: list[str], unit: str) -> RuleResult:
    outcome: Outcome = "passed" if not wrong else "warned" if rule.severity == "warn" else "blocked"
    named = "; ".join(wrong[:NAMED]) + (f"; and {len(wrong) - NAMED} more" if len(wrong) > NAMED else "")
    bounds: dict[str, Any] = rule.model_dump(exclude={"severity"}, exclude_none=True)
    return RuleResult(
        rule=rule.name,
        severity=rule.severity,
        outcome=outcome,
        checked_rows=judged,
        broken_rows=len(wrong),
        allowed_rows=0,
        column=column,
        detail=named or f"{judged:,} {unit} compared ({', '.join(f'{k} {v}' for k, v in bounds.items())})",
        samples=(),
    )
