"""Measure what rules promise on staged rows, with Deequ: completeness, uniqueness and compliance in shared scans.

An analyzer without a metric is a failed audit, never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydeequ.analyzers import AnalysisRunner, AnalyzerContext, Completeness, Compliance, Size, Uniqueness
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from calve.errors import JobFailedError


def measure(
    rows: DataFrame, *, predicates: Mapping[str, str], complete: Sequence[str], unique: Sequence[tuple[str, ...]]
) -> tuple[int, dict[str, float]]:
    """Run Deequ once over the rows.

    Args:
        predicates: Spark SQL per name; the share of rows that fulfil it is measured.
        complete: Columns whose share of non-null rows is measured, under `complete:<column>`.
        unique: Column groups; the share of rows whose values occur once, under `unique:<a,b>`.

    Returns:
        The number of rows, and the share per name.

    Raises:
        JobFailedError: An analyzer failed, so nothing may be concluded.
    """
    session = rows.sparkSession
    # Deequ swallows what Spark says of an expression that it can't read; asked here, it is told.
    rows.select(*map(F.expr, predicates.values()))
    runner = AnalysisRunner(session).onData(rows).addAnalyzer(Size())
    for name, predicate in predicates.items():
        runner = runner.addAnalyzer(Compliance(name, predicate))
    for column in complete:
        runner = runner.addAnalyzer(Completeness(column))
    for columns in unique:
        runner = runner.addAnalyzer(Uniqueness(list(columns)))
    found = AnalyzerContext.successMetricsAsDataFrame(session, runner.run()).collect()
    metrics = {(row["name"], row["instance"]): float(row["value"]) for row in found}
    size = round(metrics.get(("Size", "*"), 0))
    wanted = {name: ("Compliance", name) for name in predicates}
    wanted |= {f"complete:{column}": ("Completeness", column) for column in complete}
    wanted |= {f"unique:{','.join(columns)}": ("Uniqueness", ",".join(columns)) for columns in unique}
    if size == 0:
        return 0, dict.fromkeys(wanted, 1.0)
    if missing := sorted(name for name, key in wanted.items() if key not in metrics):
        msg = f"audit: Deequ returned no metric for {', '.join(missing)}; the audit failed to run. See the log"
        raise JobFailedError(msg)
    return size, {name: metrics[key] for name, key in wanted.items()}


def broken(size: int, share: float) -> int:
    """Return how many of `size` rows a share of good rows leaves."""
    return size - round(size * share)
