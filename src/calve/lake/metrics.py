"""Keep what was measured per business date, and which dates agree or not with the totals that the source sealed.

History is that of published runs only, newest per date, so that retries can't teach a check to accept a bad day.
Rows are recorded together with the verdicts of their run, never apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from calve.lake.records import Connection, Cursor, query

COMPARED = "compared(control_total)"


@dataclass(frozen=True)
class MetricRow:
    """What a rule measured on one business date, for one part (a facility, a product); part '' is the whole."""

    rule: str
    day: date
    part: str
    value: float
    count: int


@dataclass(frozen=True)
class ControlDifference:
    """Rows and sum of one date and part, as the source sealed them and as they were staged.

    Attributes:
        is_closed: The source calls the date closed.
        agrees: There is no difference; an earlier one is resolved.
    """

    day: date
    part: str
    expected_rows: int | None
    found_rows: int | None
    expected_sum: Decimal | None
    found_sum: Decimal | None
    is_closed: bool
    agrees: bool = False


def insert_metrics(cursor: Cursor, run_key: str, dataset: str, rows: Iterable[MetricRow]) -> None:
    """Insert what a run's audit measured, in a transaction of the caller."""
    cursor.execute("delete from calve.metric where run_key = %s and dataset = %s", (run_key, dataset))
    cursor.executemany(
        "insert into calve.metric (run_key, dataset, rule, day, part, value, count)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        [(run_key, dataset, row.rule, row.day, row.part, row.value, row.count) for row in rows],
    )


def insert_differences(cursor: Cursor, run_key: str, dataset: str, rows: Iterable[ControlDifference]) -> None:
    """Insert what a run compared with control totals, in a transaction of the caller."""
    cursor.execute("delete from calve.control_difference where run_key = %s and dataset = %s", (run_key, dataset))
    cursor.executemany(
        """
        insert into calve.control_difference (
            run_key, dataset, day, part, expected_rows, found_rows, expected_sum, found_sum, is_closed, agrees
        ) values (
            %(run_key)s, %(dataset)s, %(day)s, %(part)s, %(expected_rows)s, %(found_rows)s, %(expected_sum)s,
            %(found_sum)s, %(is_closed)s, %(agrees)s
        )
        """,
        [{**vars(row), "run_key": run_key, "dataset": dataset} for row in rows],
    )


def compared_dates(comparisons: Iterable[ControlDifference]) -> list[MetricRow]:
    """Say which dates a run compared: per date, how many parts it compared (value), and how many agree (count)."""
    agreeing: dict[date, list[bool]] = {}
    for each in comparisons:
        agreeing.setdefault(each.day, []).append(each.agrees)
    return [MetricRow(COMPARED, day, "", float(len(parts)), sum(parts)) for day, parts in sorted(agreeing.items())]


def newest_compared(conn: Connection, dataset: str) -> date | None:
    """Return the newest date that published runs compared with a sealed total, whether it agreed or not."""
    rows = query(
        conn,
        """
        select max(metric.day) as day
        from calve.metric
        inner join calve.live_publication as live on live.run_key = metric.run_key
        where metric.dataset = %s and metric.rule = %s
        """,
        (dataset, COMPARED),
    )
    found: date | None = rows[0]["day"]
    return found


def metric_history(conn: Connection, dataset: str, rule: str, since: date, until: date) -> list[MetricRow]:
    """Return what published runs measured on dates in `[since, until)`: one row per date and part."""
    rows = query(
        conn,
        """
        select distinct on (metric.day, metric.part) metric.rule, metric.day, metric.part, metric.value, metric.count
        from calve.metric
        inner join calve.live_publication as live on live.run_key = metric.run_key
        where metric.dataset = %s and metric.rule = %s and metric.day >= %s and metric.day < %s
        order by metric.day, metric.part, live.number desc
        """,
        (dataset, rule, since, until),
    )
    return [MetricRow(**row) for row in rows]


def open_differences(conn: Connection, dataset: str) -> list[ControlDifference]:
    """Return where the newest published comparison of a date and part found a difference, oldest date first."""
    rows = query(
        conn,
        """
        select distinct on (difference.day, difference.part) difference.day, difference.part,
            expected_rows, found_rows, expected_sum, found_sum, is_closed, agrees
        from calve.control_difference as difference
        inner join calve.live_publication as live on live.run_key = difference.run_key
        where difference.dataset = %s
        order by difference.day, difference.part, live.number desc
        """,
        (dataset,),
    )
    return [found for row in rows if not (found := ControlDifference(**row)).agrees]
