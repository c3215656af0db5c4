"""Compare numbers that must agree: with the source's cut, with its sealed control totals, between siblings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from calve.contract.models import Contract, ControlTotal
from calve.contract.rules import Conserve
from calve.lake.landings import Landing
from calve.lake.metrics import ControlDifference, MetricRow, compared_dates, open_differences
from calve.lake.verdicts import Outcome, RuleResult
from calve.spark.context import Context
from calve.spark.curate import Staged
from calve.spark.inputs import World, accepted_of
from calve.spark.state import latest, versions
from calve.spark.tables import at, curated, quarantine

NAMED = 5
COMPLETE_AFTER = timedelta(days=2)


def _result(rule: str, column: str, *, checked: int, wrong: list[str], outcome: Outcome, detail: str) -> RuleResult:
    return RuleResult(
        rule=rule,
        severity="block",
        outcome=outcome,
        checked_rows=checked,
        broken_rows=len(wrong),
        allowed_rows=0,
        column=column,
        detail=detail,
        samples=tuple(wrong[:NAMED]),
    )


def described(contract: Contract, landings: Mapping[str, Landing]) -> list[RuleResult]:
    """Warn of what a source has and its description doesn't."""
    return [
        RuleResult(
            rule=f"described({name})",
            severity="warn",
            outcome="warned",
            checked_rows=landings[name].rows,
            broken_rows=0,
            allowed_rows=0,
            column="",
            detail=warning,
            samples=(),
        )
        for name in contract.sources
        for warning in landings[name].totals["warnings"]
    ]


def cut_totals(contract: Contract, landings: Mapping[str, Landing]) -> list[RuleResult]:
    """Compare count and sums that the source stated at the cut with what was read there."""
    results = []
    for name in contract.sources:
        totals = landings[name].totals
        pairs = {"rows": (totals["source_rows"], totals["read_rows"])}
        pairs |= {f"sum({c})": (Decimal(v), Decimal(totals["read_sums"][c])) for c, v in totals["source_sums"].items()}
        wrong = [f"{what}: source says {a:,}, read {b:,}" for what, (a, b) in pairs.items() if a != b]
        results.append(
            _result(
                f"cut({name})",
                ", ".join(totals["source_sums"]),
                checked=totals["read_rows"],
                wrong=wrong,
                outcome="blocked" if wrong else "passed",
                detail="; ".join(wrong) or f"{totals['read_rows']:,} rows and {len(pairs) - 1} sums agree",
            )
        )
    return results


def conserve(context: Context, rule: Conserve, each: Staged, sibling: Staged) -> RuleResult:
    """Compare a derived dataset's sum with its sibling's, over the dates that this run recomputed."""
    if each.touched is None:
        return _result(rule.name, rule.conserve, checked=0, wrong=[], outcome="passed", detail="nothing recomputed")
    mine = at(context.session, curated(each.contract.dataset), each.snapshot)
    theirs = at(context.session, curated(rule.of), sibling.snapshot)
    if each.touched.units is not None:
        mine = mine.join(each.touched.units, on=list(each.touched.by), how="leftsemi")
        theirs = theirs.join(each.touched.units, on=list(each.touched.by), how="leftsemi")
    zero = F.lit(Decimal(0))
    found = mine.agg(F.coalesce(F.sum(rule.conserve), zero), F.count(F.lit(1))).first()
    expected = theirs.where(F.expr(rule.where)).agg(F.coalesce(F.sum(F.expr(rule.equals)), zero)).first()
    left, checked = (found[0], found[1]) if found else (None, 0)
    right = expected[0] if expected else None
    wrong = [] if left == right else [f"{left} here, {right} there"]
    return _result(
        rule.name,
        rule.conserve,
        checked=checked,
        wrong=wrong,
        outcome="blocked" if wrong else "passed",
        detail="; ".join(wrong) or f"{left} on both sides",
    )


def control_totals(
    context: Context, world: World, each: Staged
) -> tuple[list[RuleResult], list[ControlDifference], list[MetricRow]]:
    """Compare staged and quarantined rows with the newest sealed totals of every date that is concerned.

    Concerned are the dates of totals that landed in this run, the dates whose rows this run changed, and those that
    its interval completes. A date can be compared when the lake has all of it: local dates end by noon of the next
    UTC day, and are sealed by its end.

    Returns:
        One result; the dates and parts that differ or that differed before and agree now; and what was compared,
        one row per date. A difference holds the date back from `verified_through`, and blocks when the source calls
        the date closed; a date newer than all that were compared is not verified either.
    """
    control = each.contract.control_total
    if control is None:
        return [], [], []
    compared = _compare(context, world, each, control)
    differences = [
        ControlDifference(
            day=row["day"],
            part=str(row["part"]),
            expected_rows=row["expected_rows"],
            found_rows=row["found_rows"],
            expected_sum=row["expected_sum"],
            found_sum=row["found_sum"],
            is_closed=row["is_closed"],
            agrees=row["expected_rows"] == row["found_rows"] and row["expected_sum"] == row["found_sum"],
        )
        for row in compared.collect()
    ]
    open_ones = [d for d in differences if not d.agrees]
    closed = [d for d in open_ones if d.is_closed]
    named = [
        f"{d.day} {control.by}={d.part}: {d.found_rows:,} rows and {d.found_sum} here, "
        f"{d.expected_rows:,} and {d.expected_sum} sealed"
        for d in closed or open_ones
    ]
    outcome: Outcome = "blocked" if closed else "warned" if open_ones else "passed"
    detail = f"{len(open_ones):,} of {len(differences):,} dates and parts differ, {len(closed):,} of them closed"
    result = _result(
        f"control_total({control.table_name})",
        control.sum,
        checked=len(differences),
        wrong=named,
        outcome=outcome,
        detail=detail,
    )
    known = {(d.day, d.part) for d in open_differences(context.records, each.contract.dataset)}
    told = [d for d in differences if not d.agrees or (d.day, d.part) in known]
    return [result], told, compared_dates(differences)


def _compare(context: Context, world: World, each: Staged, control: ControlTotal) -> DataFrame:
    source, contract = world.project.sources[control.source], each.contract
    accepted = accepted_of(context, world, control.source)
    landed = versions(context.session, source, accepted).where(F.col("table_name") == control.table_name)
    sealed = latest(landed, source).where(F.col("_op") == "U").fillna(0, ["row_count"])
    concerned = sealed.where(F.col("_landing_id") == accepted.own).select(F.col("business_date").alias("day"))
    if each.touched is not None:
        changed = each.touched.differences.where(F.col("_fate") != "unchanged")
        for image in ("_old", "_new"):
            rows = changed.where(F.col(image).isNotNull())
            concerned = concerned.unionByName(rows.select(F.col(f"{image}.{control.date}").alias("day")))
    interval = context.run.interval
    completed = sealed.where(F.col("business_date") >= F.lit(interval.since.date() - COMPLETE_AFTER))
    concerned = concerned.unionByName(completed.select(F.col("business_date").alias("day")))
    days = concerned.where(F.col("day") <= F.lit(context.seen_until.date() - COMPLETE_AFTER)).distinct()
    newest = (
        sealed.groupBy(F.col("business_date").alias("day"), F.col(control.by).alias("part"))
        .agg(F.max(F.struct("version", "row_count", "sum_amount", "is_closed")).alias("t"))
        .select("day", "part", "t.row_count", "t.sum_amount", "t.is_closed")
        .join(days, on="day", how="leftsemi")
    )
    columns = [F.col(control.date).alias("day"), F.col(control.by).alias("part"), F.col(control.sum).alias("amount")]
    held = at(context.session, curated(contract.dataset), each.snapshot).select(*columns)
    kept = at(context.session, quarantine(contract.dataset), each.quarantine_snapshot).select(*columns)
    mine = (
        held.unionByName(kept)
        .join(F.broadcast(days), on="day", how="leftsemi")
        .groupBy("day", "part")
        .agg(F.count(F.lit(1)).alias("found_rows"), F.sum("amount").alias("found_sum"))
    )
    zero = F.lit(Decimal(0)).cast("decimal(18,2)")
    return newest.join(mine, on=["day", "part"], how="left").select(
        "day",
        "part",
        F.col("row_count").alias("expected_rows"),
        F.col("sum_amount").cast("decimal(18,2)").alias("expected_sum"),
        F.coalesce("found_rows", F.lit(0)).alias("found_rows"),
        F.coalesce(F.col("found_sum").cast("decimal(18,2)"), zero).alias("found_sum"),
        "is_closed",
    )
