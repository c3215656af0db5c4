"""Keep what was measured per business date, and which dates disagree with the totals that the source sealed.

History is that of published runs only, newest per date, so that retries can't teach a check to accept a bad day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from calve.effects import effect
from calve.lake.records import Connection, query, transaction


@dataclass(frozen=True)
class Metric:
    """One measured value of a business date and part (a facility, a product); part '' is the whole."""

    date: date
    part: str
    value: float | None
    count: int


@dataclass(frozen=True)
class ControlDifference:
    """A date and part whose rows or sum differ from what the source sealed.

    Attributes:
        is_closed: The source calls the date closed.
    """

    date: date
    part: str
    expected_rows: int | None
    found_rows: int | None
    expected_sum: Decimal | None
    found_sum: Decimal | None
    is_closed: bool


def record_metrics(
    conn: Connection, run_key: str, dataset: str, rows: Iterable[tuple[str, date, str, float | None, int]]
) -> None:
    """Record (rule, date, part, value, count) of a run's audit; the same again replaces."""
    values = [(run_key, dataset, *row) for row in rows]
    with effect("metric.record"), transaction(conn) as cursor:
        cursor.execute("delete from calve.metric where run_key = %s and dataset = %s", (run_key, dataset))
        cursor.executemany("insert into calve.metric values (%s, %s, %s, %s, %s, %s, %s)", values)


def metric_history(conn: Connection, dataset: str, rule: str, since: date, until: date) -> list[Metric]:
    """Return what published runs measured on dates in `[since, until)`: one row per date and part."""
    rows = query(
        conn,
        """
        select distinct on (metric.date, metric.part) metric.date, metric.part, metric.value, metric.count
        from calve.metric
        inner join calve.live_publication as live on live.run_key = metric.run_key
        where metric.dataset = %s and metric.rule = %s and metric.date >= %s and metric.date < %s
        order by metric.date, metric.part, live.number desc
        """,
        (dataset, rule, since, until),
    )
    return [Metric(**row) for row in rows]


def record_control_differences(
    conn: Connection,
    run_key: str,
    dataset: str,
    differences: Iterable[ControlDifference],
    *,
    compared: Collection[date] = (),
) -> None:
    """Record which dates a run compared with control totals and where they differ.

    Once the run is published, a date that it compared is open if it differs, and else resolved.

    Args:
        compared: All dates that were compared; those that differ are added to it.
    """
    found = list(differences)
    with effect("control.record"), transaction(conn) as cursor:
        cursor.execute("delete from calve.control_check where run_key = %s and dataset = %s", (run_key, dataset))
        cursor.execute("delete from calve.control_difference where run_key = %s and dataset = %s", (run_key, dataset))
        cursor.executemany(
            "insert into calve.control_check values (%s, %s, %s)",
            [(run_key, dataset, day) for day in sorted({*compared, *(item.date for item in found)})],
        )
        cursor.executemany(
            "insert into calve.control_difference values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    run_key,
                    dataset,
                    item.date,
                    item.part,
                    item.expected_rows,
                    item.found_rows,
                    item.expected_sum,
                    item.found_sum,
                    item.is_closed,
                )
                for item in found
            ],
        )


def open_differences(conn: Connection, dataset: str) -> list[ControlDifference]:
    """Return the differences of the newest published comparison of each date, oldest date first."""
    rows = query(
        conn,
        """
        with newest as (
            select distinct on (control_check.date) control_check.date, control_check.run_key
            from calve.control_check
            inner join calve.live_publication as live on live.run_key = control_check.run_key
            where control_check.dataset = %(dataset)s
            order by control_check.date, live.number desc
        )
        select difference.date, part, expected_rows, found_rows, expected_sum, found_sum, is_closed
        from calve.control_difference as difference
        inner join newest on newest.date = difference.date and newest.run_key = difference.run_key
        where difference.dataset = %(dataset)s
        order by difference.date, part
        """,
        {"dataset": dataset},
    )
    return [ControlDifference(**row) for row in rows]
