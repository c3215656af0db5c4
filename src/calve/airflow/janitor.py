"""Every few minutes: what nobody reports, what waits to be delivered, and what a lost task left behind.

Each part is done whatever becomes of the others. A route that is down fails nothing; it is tried again next time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from calve.contract.mistakes import report
from calve.errors import CalveError, ContractError
from calve.kubernetes.deployment import load_deployment
from calve.kubernetes.names import DAG, DAG_RUN, TASK
from calve.kubernetes.states import is_leaving, is_over
from calve.kubernetes.workloads import Workloads, open_client
from calve.lake.records import connect, migrate
from calve.settings import load_records_settings

# A task in one of these has no use for what it submitted.
OVER = {"success", "failed", "skipped", "upstream_failed", "removed"}
States = Callable[[str, str, str], str | None]


class WatchOperator(BaseOperator):
    """Look at the records for what is overdue and over, deliver alerts, remove what no task needs any more."""

    def __init__(self, *, project_folder: str, **options: Any) -> None:
        super().__init__(**options)
        self.project_folder = project_folder

    def execute(self, context: Any) -> dict[str, Any]:
        """Do all three, and fail at the end if one of them could not be done."""
        failed: list[str] = []
        done: dict[str, Any] = {}
        for name, part in (("alerts", self._alerts), ("left", lambda: self._left(context["ti"]))):
            try:
                done[name] = part()
            except CalveError as error:
                failed.append(f"{name}: {error}")
        self.log.info("%s", done)
        if failed:
            raise AirflowException("; ".join(failed))
        return done

    def _alerts(self) -> dict[str, Any]:
        """Deliver whatever the contracts are like: no other file than those of pipelines and routes is read."""
        from calve.alerts.delivery import deliver
        from calve.alerts.pipelines import read_pipelines
        from calve.alerts.routes import read_routes
        from calve.alerts.watch import watch

        folder = Path(self.project_folder)
        with connect(load_records_settings()) as conn:
            migrate(conn)
            project, mistakes = read_pipelines(folder)
            routes = read_routes(folder)
            recovered, new = watch(conn, project, datetime.now(UTC), routes)
            delivered = deliver(conn, routes, os.environ)
        if mistakes:
            raise ContractError(report(mistakes))
        return {"recovered": recovered, "new": new, "sent": delivered.sent, "failed": dict(delivered.failed)}

    def _left(self, ti: Any) -> list[str]:
        def state(dag_id: str, task_id: str, run_id: str) -> str | None:
            found = ti.get_task_states(dag_id=dag_id, task_ids=[task_id], run_ids=[run_id])
            return next((str(value) for value in found.get(run_id, {}).values()), None)

        deployment = load_deployment()
        client = open_client(deployment.kubeconfig)
        kinds = [Workloads(client, kind, deployment.namespace) for kind in ("SparkApplication", "Pod")]
        return sorted(remove_left(kinds, state))


def remove_left(kinds: Iterable[Workloads], state: States) -> Iterable[str]:
    """Remove each live application and pod whose task instance is over, and yield their names.

    Those of people, which name no task, are left alone; so are those that ended, for which there is a time to live.
    """
    for workloads in kinds:
        for found in workloads.find(DAG):
            said = found["metadata"].get("annotations") or {}
            task = [said.get(key) for key in (DAG, TASK, DAG_RUN)]
            if is_over(found) or is_leaving(found) or not all(task):
                continue
            if state(*map(str, task)) in OVER:
                name = str(found["metadata"]["name"])
                workloads.remove(name)
                yield name
