"""Alerts, publications and verdicts as the rest of calve leaves them, for tests that need no lake."""

from __future__ import annotations

from dataclasses import replace

from calve.alerts.alert import Alert
from calve.lake import ledger
from calve.lake.records import Connection, transaction
from calve.lake.verdicts import DatasetVerdict, RuleResult
from calve.runs import ALL, Interval, Run

BLOCKED = Alert(
    kind="blocked",
    pipeline="revenue",
    interval=Interval.parse("2026-02-06"),
    owners=("revenue",),
    title="revenue 2026-02-06 not published: the audit blocked fct_order_line",
    cause="fct_order_line: complete(facility_id): 36 of 641, 6 allowed",
    run_key="revenue@2026-02-06#0",
    commands=("calve audit show 'revenue@2026-02-06#0'", "calve run revenue --interval 2026-02-06"),
)
FAILED = replace(BLOCKED, kind="failed", title="revenue 2026-02-06: failed before it had a verdict", cause="OOMKilled")


def publish(conn: Connection, run_key: str, warned: tuple[str, ...] = (), datasets: tuple[str, ...] = ("a",)) -> int:
    """Record a publication of a run, and verdicts that warn for some datasets; return its number."""
    run = Run.parse(run_key)
    with transaction(conn) as cursor:
        row = cursor.execute(
            "select coalesce(max(number), 0) + 1 as number,"
            " (select max(number) from calve.publication where pipeline = %s) as parent from calve.publication",
            (run.pipeline,),
        ).fetchone()
        number = row["number"]
        cursor.execute(
            "insert into calve.publication (number, run_key, pipeline, since, until, scope, generation, kind, parent,"
            " epoch, digest, tables, published_at) values (%s, %s, %s, %s, %s, %s, %s, 'run', %s, 1, 'd', '[]', now())",
            (number, run_key, run.pipeline, run.interval.since, run.interval.until, run.scope, run.generation,
             row["parent"]),
        )  # fmt: skip
        for name in datasets:
            outcome = "warned" if name in warned else "passed"
            cursor.execute(
                "insert into calve.verdict (run_key, dataset, attempt, word, table_uuid, row_count, results, fates,"
                " touched, inputs, decided_at) values (%s, %s, 1, 'passed', 'u', 1,"
                " jsonb_build_array(jsonb_build_object('outcome', %s::text)), '{}', '{}', '{}', now())",
                (run_key, name, outcome),
            )
        if run.scope == ALL:
            ledger._insert(
                cursor,
                [ledger.Segment(n, run.pipeline, run.interval.since, run.interval.until, number) for n in datasets],
            )
    return number


def verdict(run_key: str, dataset: str, *results: RuleResult) -> DatasetVerdict:
    """Return a verdict that is blocked when one of its rules is."""
    word = "blocked" if any(result.outcome == "blocked" for result in results) else "passed"
    return DatasetVerdict(run_key, dataset, 1, word, "u", 1, 2, None, None, None, 641, results)


def rule(name: str, outcome: str, column: str | None = None, samples: tuple[str, ...] = ()) -> RuleResult:
    detail = "36 of 641 rows break it, 6 allowed"
    return RuleResult(name, "block", outcome, 641, 36, 6, column, detail, samples)
