"""Keep the alerts that a task's end asks for; the DAG `calve_watch` delivers them.

Promises to fail no task and to hide no error: what can't be kept is logged. One alert per cause: a try that will be
tried again tells nothing, and what a later publication proves to be over is closed by the records.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from calve.alerts.findings import alerts_of_run, failure_of_run
from calve.alerts.kept import raise_alert, recover, recover_published
from calve.contract.project import Project
from calve.lake.records import connect
from calve.lake.verdicts import verdicts_of
from calve.runs import Run
from calve.settings import load_records_settings

logger = logging.getLogger(__name__)


def run_was_published(project: Project, run_key: str) -> None:
    """Close what the publication proves to be over, and tell what its audit warned of."""
    with _failing_nothing(), connect(load_records_settings()) as conn:
        recover_published(conn)
        for alert in alerts_of_run(project, run_key, verdicts_of(conn, run_key)):
            raise_alert(conn, alert)


def run_failed(project: Project, run_key: str, cause: str) -> None:
    """Tell that a run was blocked, or failed for good without a verdict."""
    with _failing_nothing(), connect(load_records_settings()) as conn:
        blocked = [one for one in alerts_of_run(project, run_key, verdicts_of(conn, run_key)) if one.kind == "blocked"]
        for alert in blocked or [failure_of_run(project, run_key, cause)]:
            raise_alert(conn, alert)


def step_failed(project: Project, run_key: str, step: str, cause: str) -> None:
    """Tell that a step after the publication failed for good."""
    with _failing_nothing(), connect(load_records_settings()) as conn:
        raise_alert(conn, failure_of_run(project, run_key, cause, part=step))


def step_succeeded(run_key: str, step: str) -> None:
    """Close what an earlier failure of the step opened."""
    run = Run.parse(run_key)
    with _failing_nothing(), connect(load_records_settings()) as conn:
        recover(conn, run.pipeline, run.interval, kinds=("failed",), part=step, reason=f"{step} succeeded")


@contextmanager
def _failing_nothing() -> Iterator[None]:
    try:
        yield
    except Exception:  # an alert must not turn a published run red, nor take the place of its cause
        logger.exception("alert not kept")
