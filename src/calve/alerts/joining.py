"""Let a missed deadline join the alert that names its cause, so that people are called once, by whom it concerns.

The alert grows as heavy as the missed deadline; only routes that did not take it before are told.
"""

from __future__ import annotations

from calve.alerts.alert import LONGEST_CAUSE, SEVERITIES, SEVERITY_ORDER, Alert, Severity, cut
from calve.alerts.kept import from_row
from calve.effects import effect
from calve.lake.records import Connection, transaction

_OVERDUE = "Overdue: "


def join(conn: Connection, missed: Alert, severity: Severity) -> bool:
    """Add a missed deadline to the open alert of the run that should have kept it; False when there is none.

    A deadline that was told before anybody saw its cause stays an alert of its own.

    Args:
        missed: What `overdue` says.
        severity: What missed deadlines weigh.
    """
    with effect("alert.raise"), transaction(conn) as cursor:
        row = cursor.execute(
            "select * from calve.alert where pipeline = %(pipeline)s and kind in ('blocked', 'failed') and part = ''"
            " and scope = 'all' and since <= %(first)s and until > %(first)s"
            " and recovered_at is null and closed_at is null"
            " and not exists (select from calve.alert where key = %(key)s and closed_at is null)"
            " order by number limit 1 for update",
            {"pipeline": missed.pipeline, "first": missed.interval.since, "key": missed.key},
        ).fetchone()
        if row is None:
            return False
        kept = from_row(row)
        others = [line for line in kept.alert.cause.splitlines() if not line.startswith(_OVERDUE)]
        is_heavier = SEVERITY_ORDER.index(severity) < SEVERITY_ORDER.index(row["severity"] or SEVERITIES[row["kind"]])
        cursor.execute(
            "update calve.alert set cause = %(cause)s,"
            " severity = case when %(heavier)s then %(severity)s else severity end,"
            " routed_at = case when %(heavier)s then null else routed_at end where number = %(number)s",
            {
                "cause": cut("\n".join([f"{_OVERDUE}{missed.title}. {missed.cause}", *others]), LONGEST_CAUSE),
                "heavier": is_heavier,
                "severity": severity,
                "number": kept.number,
            },
        )
    return True
