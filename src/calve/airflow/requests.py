"""Say which interval a DAG run means: from its form, its partition, or what is missing. Pure; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from calve.errors import IntervalError
from calve.lake.attempts import Mode
from calve.planning import Request
from calve.runs import ALL, Interval

# What the form of a manual run offers; empty means: whatever is missing.
INTERVAL, SCOPE, MODE, DATASETS = "interval", "scope", "mode", "datasets"


@dataclass(frozen=True)
class Asked:
    """What Airflow knows of a DAG run.

    Attributes:
        partition: The UTC day that the run is for, `2026-01-02`; None for a run that somebody started by hand.
        is_backfill: A backfill makes exactly its day, if it is missing; the schedule also what is missing before it.
        form: What a person entered.
    """

    partition: str | None
    is_backfill: bool
    form: Mapping[str, Any]


def request_of(pipeline: str, asked: Asked) -> Request:
    """Return the request that `calve run` would be given.

    Raises:
        IntervalError: The form asks for a part, a reload, a reprocess or datasets and names no interval, or names no
            dates.
    """
    interval, scope = asked.form.get(INTERVAL) or None, str(asked.form.get(SCOPE) or ALL)
    mode, datasets = asked.form.get(MODE) or "changes", tuple(asked.form.get(DATASETS) or ())
    is_again = scope != ALL or mode != "changes" or bool(datasets)
    day = Interval.parse(asked.partition[:10]) if asked.partition else None
    if interval is not None or (asked.is_backfill and day):
        wanted = Interval.parse(str(interval)) if interval is not None else day
        missing_only = interval is None and not is_again
        return Request((pipeline,), wanted, None, scope, cast("Mode", mode), datasets, missing_only)
    if is_again:
        found = scope if scope != ALL else mode if mode != "changes" else ", ".join(datasets)
        msg = f"pipeline {pipeline}: the form asks for '{found}' and no interval; name one"
        raise IntervalError(msg)
    return Request((pipeline,), None, day.until if day else None)


def asked_of(context: Mapping[str, Any]) -> Asked:
    """Read it from a task's context; a run of the schedule or of a backfill has no logical date, but a partition."""
    dag_run = context["dag_run"]
    kind = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    partition = getattr(dag_run, "partition_key", None) or context.get("partition_key")
    form = {key: context["params"].get(key) for key in (INTERVAL, SCOPE, MODE, DATASETS)}
    return Asked(partition, kind == "backfill", form)
