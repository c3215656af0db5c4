"""Judge each row by the contract's row rules; those that break one carry the reasons and are kept apart.

A reason is a rule's name. It never holds a value.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from calve.contract.models import Contract
from calve.contract.rules import Between, Complete, Matches, OneOf, Refers, RowRule, Sql
from calve.runs import Interval

REFERS = "_refers_"


def judge_rows(
    contract: Contract, rows: DataFrame, dimensions: Mapping[str, DataFrame], interval: Interval
) -> DataFrame:
    """Add `_reasons array<string>`: the names of the quarantine rules that the row breaks, empty for good rows."""
    flagged = with_references(contract, rows, dimensions)
    broken = [F.when(~holds(rule, interval), F.lit(rule.name)) for rule in contract.row_rules]
    reasons = F.array_compact(F.array(*broken)) if broken else F.array().cast("array<string>")
    return flagged.withColumn("_reasons", reasons.cast("array<string>")).select(*rows.columns, "_reasons")


def with_references(contract: Contract, rows: DataFrame, dimensions: Mapping[str, DataFrame]) -> DataFrame:
    """Add a column `_refers_<column>` per `refers` rule: true when the key exists or is null."""
    for rule in contract.audit:
        if isinstance(rule, Refers):
            keys = dimensions[rule.to]
            key = keys.columns[0]
            known = keys.select(F.col(key).alias(rule.refers)).distinct().withColumn("_known", F.lit(True))
            flag = F.col("_known").isNotNull() | F.col(rule.refers).isNull()
            rows = rows.join(F.broadcast(known), on=rule.refers, how="left").withColumn(f"{REFERS}{rule.refers}", flag)
            rows = rows.drop("_known")
    return rows


def holds(rule: RowRule, interval: Interval) -> Column:
    """Return whether a row obeys the rule; never null."""
    return F.coalesce(F.expr(predicate(rule, interval)), F.lit(False))


def predicate(rule: RowRule, interval: Interval) -> str:
    """Return the rule as a Spark SQL predicate, which Deequ's Compliance takes too."""
    match rule:
        case Complete():
            return " and ".join(f"`{name}` is not null" for name in rule.complete)
        case Between():
            low = "true" if rule.min is None else f"`{rule.between}` >= {_literal(rule.min)}"
            high = "true" if rule.max is None else f"`{rule.between}` <= {_literal(rule.max)}"
            return f"`{rule.between}` is null or ({low} and {high})"
        case OneOf():
            listed = ", ".join(_literal(value) for value in rule.values)
            return f"`{rule.one_of}` is null or `{rule.one_of}` in ({listed})"
        case Matches():
            return f"`{rule.matches}` is null or `{rule.matches}` rlike {_literal(f'^(?:{rule.pattern})$')}"
        case Refers():
            return f"`{REFERS}{rule.refers}`"
        case Sql():
            since, until = (f"timestamp '{t:%Y-%m-%d %H:%M:%S}Z'" for t in (interval.since, interval.until))
            return f"({rule.sql.replace(':since', since).replace(':until', until)})"


def _literal(value: float | str) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return repr(value)
