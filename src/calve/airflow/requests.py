"""Say which interval a DAG run means: from its form, its partition, or what is missing. Pure; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from calve.errors import IntervalError
from calve.lake.attempts import Mode
from calve.planning import Request
from calve.runs import ALL, Interval

# What the form of a manual run offers; empty means: whatever is missing.
INTERVAL, SCOPE, MODE = "interval", "scope", "mode"


@dataclass(frozen=True)
class Asked:
    """What Airflow knows of a DAG run.

    Attributes:
        partition: The UTC day that the run is for, `2026-01-02`; None for a run that somebody started by hand.
        is_backfill: A backfill makes exactly its day; the schedule also makes what is missing before it.
        form: What a person entered.
    """

    partition: str | None
    is_backfill: bool
    form: Mapping[str, Any]


def request_of(pipeline: str, asked: Asked) -> Request:
    """Return the request that `calve run` would be given.

    Raises:
        IntervalError: The form asks for a part, a reload or a reprocess and names no interval, or names no dates.
    """
    interval, scope = asked.form.get(INTERVAL) or None, asked.form.get(SCOPE) or ALL
    mode = asked.form.get(MODE) or "changes"
    if interval is None and (scope != ALL or mode != "changes"):
        msg = f"pipeline {pipeline}: the form asks for '{scope if scope != ALL else mode}' and no interval; name one"
        raise IntervalError(msg)
    if interval is not None:
        return Request((pipeline,), Interval.parse(str(interval)), None, str(scope), cast("Mode", mode))
    if asked.partition is None:
        return Request((pipeline,))
    day = Interval.parse(asked.partition[:10])
    if asked.is_backfill:
        return Request((pipeline,), day)
    return Request((pipeline,), None, day.since + timedelta(days=1))


def asked_of(context: Mapping[str, Any]) -> Asked:
    """Read it from a task's context; a run of the schedule or of a backfill has no logical date, but a partition."""
    dag_run = context["dag_run"]
    kind = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    partition = getattr(dag_run, "partition_key", None) or context.get("partition_key")
    form = {key: context["params"].get(key) for key in (INTERVAL, SCOPE, MODE)}
    return Asked(partition, kind == "backfill", form)
