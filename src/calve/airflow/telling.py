"""Keep the alerts that a task's end asks for; the DAG `calve_watch` delivers them.

Promises to fail no task and to hide no error: what can't be kept is logged. One alert per cause: Airflow asks for one
only when it gives a task up, whatever made it fail, and what a later publication or a later try proves to be over is
closed by the records.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from calve.airflow.failing import Finding, TaskFailedError
from calve.airflow.requests import asked_of, request_of
from calve.alerts.alert import Alert, Link
from calve.alerts.findings import alerts_of_run, failure_of, failure_of_run
from calve.alerts.kept import open_alerts, raise_alert, recover_published, recover_step
from calve.contract.loader import load_pipeline
from calve.contract.project import Project
from calve.errors import IntervalError
from calve.kubernetes.triage import clear_command
from calve.lake.ledger import next_interval
from calve.lake.records import Connection, connect, migrate
from calve.lake.verdicts import verdicts_of
from calve.runs import DAY, Interval, Run
from calve.settings import load_records_settings

logger = logging.getLogger(__name__)
# Steps that make everything true at once, whichever pipeline's task runs them.
_FOR_ALL = ("expose", "report")


def run_was_published(folder: str, run_key: str) -> None:
    """Close what the publication proves to be over, and tell what its audit warned of."""
    with _failing_nothing(), connect(load_records_settings()) as conn:
        recover_published(conn)
        project = load_pipeline(Path(folder), Run.parse(run_key).pipeline)
        for alert in alerts_of_run(project, run_key, verdicts_of(conn, run_key)):
            raise_alert(conn, alert)


def step_succeeded(pipeline: str, step: str) -> None:
    """Close what earlier failures of the step opened, whichever day they were seen on."""
    with _failing_nothing(), connect(load_records_settings()) as conn:
        recover_step(conn, step, None if step in _FOR_ALL else pipeline)


def task_failed(context: Any) -> None:
    """Tell that Airflow gave a task up: an `on_failure_callback`.

    Airflow calls it where the task ran, or with no exception in the process that parses DAG files, when it lost the
    worker. An interval that a person asked for and that can't be is told to that person by the task itself.
    """
    with _failing_nothing():
        error, task = context.get("exception"), context["task"]
        if error is not None and isinstance(error.__cause__, IntervalError):
            logger.info("no alert: %s", error)
            return
        project = load_pipeline(Path(task.project_folder), task.pipeline)
        with connect(load_records_settings()) as conn:
            migrate(conn)
            for alert in _alerts(conn, project, context):
                # Nothing is known of it, and an alert that says why is better than one that can't.
                if error is not None or not _is_open(conn, alert):
                    raise_alert(conn, replace(alert, links=_links(context["ti"])))


def _alerts(conn: Connection, project: Project, context: Any) -> list[Alert]:
    """Return one for all that blocked the run, or else the one of the failure."""
    error, task, ti = context.get("exception"), context["task"], context["ti"]
    step = getattr(task, "step", "")
    found = error.finding if isinstance(error, TaskFailedError) else None
    if found is None:
        alert = failure_of(project, task.pipeline, _interval(conn, project, context), _cause(error), part=step)
        return [replace(alert, commands=("calve status", clear_command(ti.dag_id, ti.task_id)))]
    return [replace(each, commands=found.commands) for each in _of_finding(conn, project, context, found, step)]


def _of_finding(conn: Connection, project: Project, context: Any, found: Finding, step: str) -> list[Alert]:
    if found.run_key is None:
        return [
            failure_of(project, context["task"].pipeline, _interval(conn, project, context), found.cause, part=step)
        ]
    if not step:
        alerts = alerts_of_run(project, found.run_key, verdicts_of(conn, found.run_key))
        if blocked := [each for each in alerts if each.kind == "blocked"]:
            return blocked
    return [failure_of_run(project, found.run_key, found.cause, part=step)]


def _cause(error: BaseException | None) -> str:
    if error is None:
        return "The worker was lost, and Airflow has no try left. The task's log may say more."
    return str(error) if isinstance(error, TaskFailedError) else f"{type(error).__name__}: {error}"


def _interval(conn: Connection, project: Project, context: Any) -> Interval:
    """Return what the task should have made: what was asked for, the first that is missing, or the last day."""
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # Airflow tells less of a task whose worker it lost.
    with suppress(IntervalError, KeyError):
        request = request_of(context["task"].pipeline, asked_of(context))
        if request.interval is not None:
            return request.interval
        until = request.until or until
    name = context["task"].pipeline
    missing = next_interval(conn, name, date.fromisoformat(project.pipelines[name].start), until)
    return missing or Interval(until - DAY, until)


def _is_open(conn: Connection, alert: Alert) -> bool:
    return any(
        kept.recovered_at is None
        and kept.alert.kind in ("blocked", "failed")
        and kept.alert.part == alert.part
        and (alert.part or kept.alert.interval.since == alert.interval.since)
        for kept in open_alerts(conn, alert.pipeline)
    )


def _links(ti: Any) -> tuple[Link, ...]:
    address = getattr(ti, "log_url", "")
    return (Link("The task in Airflow", address),) if address else ()


@contextmanager
def _failing_nothing() -> Iterator[None]:
    try:
        yield
    except Exception:  # an alert must not turn a published run red, nor take the place of its cause
        logger.exception("alert not kept")
