"""Run what a pipeline needs in Kubernetes, without holding a worker, and believe only the records.

Promises: one application per try, whatever is lost on the way; a task that was cleared runs again; a killed or cleared
task leaves no application and no driver. Green means that the records hold what the task was for. Red names the
cause, and is retried only when a retry can help (exit code 75, or the cluster is to blame).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, BaseOperatorLink

from calve.airflow import closing, telling
from calve.airflow.failing import Finding, failure, refusals
from calve.airflow.requests import asked_of, request_of
from calve.contract.loader import load_pipeline, load_project
from calve.contract.project import Project
from calve.errors import ContractError, SettingsError
from calve.kubernetes.deployment import Deployment, load_deployment
from calve.kubernetes.manifest import command_pod, spark_application
from calve.kubernetes.names import Origin
from calve.kubernetes.workloads import Workloads, open_client
from calve.lake.attempts import find_run
from calve.lake.lease import holders
from calve.lake.records import Connection, connect, migrate
from calve.lake.verdicts import verdicts_of
from calve.planning import Planned, plan, published_as
from calve.runs import Run
from calve.settings import load_records_settings

START_SECONDS = 30 * 60.0
RUN_SECONDS = 6 * 3600.0
RUN_KEY = "run_key"
_LIMITS = {"never started": "{start:.0f} min to start", "ran too long": "{run:.1f} h to run"}


class SparkLink(BaseOperatorLink):
    """Where Spark's own pages of an application are when it is over; of one that never ran, the list of all."""

    name = "Spark history"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address; empty where there is no history server."""
        with suppress(SettingsError):
            if address := load_deployment().history_url:
                spark_id = getattr(operator, "spark_id", "")
                return f"{address.rstrip('/')}/" + (f"history/{spark_id}/" if spark_id else "")
        return ""


class _PipelineOperator(BaseOperator):
    """A task of a pipeline: when Airflow gives it up, people are told."""

    def __init__(self, *, pipeline: str, project_folder: str, **options: Any) -> None:
        given = options.pop("on_failure_callback", None) or []
        more = list(given) if isinstance(given, Sequence) else [given]
        super().__init__(on_failure_callback=[telling.task_failed, *more], **options)
        self.pipeline, self.project_folder = pipeline, project_folder


class _WorkloadOperator(_PipelineOperator):
    """What the application and the command pod have in common: submit, wait, look at the end."""

    kind = "SparkApplication"

    def __init__(self, *, pipeline: str, project_folder: str, **options: Any) -> None:
        self.start_seconds: float = options.pop("start_seconds", START_SECONDS)
        self.run_seconds: float = options.pop("run_seconds", RUN_SECONDS)
        super().__init__(pipeline=pipeline, project_folder=project_folder, **options)
        self._submitted: str | None = None

    def _submit(self, context: Any, body: dict[str, Any], run_key: str | None) -> None:
        # Here, since it takes a second to import the client, and DAG files are parsed all the time.
        from calve.airflow.trigger import WorkloadTrigger

        deployment, origin = load_deployment(), _origin(context["ti"])
        self._submitted = body["metadata"]["name"]
        made = self._workloads(deployment).submit(body, origin.selector)
        self._submitted = made["metadata"]["name"]
        self.log.info("%s %s in %s works for %s", self.kind, self._submitted, deployment.namespace, run_key or "it")
        self.defer(
            trigger=WorkloadTrigger(
                kind=self.kind,
                namespace=deployment.namespace,
                name=self._submitted,
                uid=made["metadata"]["uid"],
                start_until=time.time() + self.start_seconds,
                run_seconds=self.run_seconds,
                kubeconfig=str(deployment.kubeconfig) if deployment.kubeconfig else None,
            ),
            method_name="look",
            kwargs={RUN_KEY: run_key},
        )

    def _workloads(self, deployment: Deployment) -> Workloads:
        return Workloads(open_client(deployment.kubeconfig), self.kind, deployment.namespace)

    def on_kill(self) -> None:
        """Remove what was submitted when the worker's process is told to end before it could defer."""
        if self._submitted:
            self._workloads(load_deployment()).remove(self._submitted)

    def _failed(self, event: dict[str, Any], run_key: str | None) -> Exception:
        """Say why it did not come to its end, as an error that Airflow retries or not; clean up what outlived it."""
        from calve.kubernetes.facts import collect, read_proof
        from calve.kubernetes.triage import because, told, triage

        deployment, settings = load_deployment(), load_records_settings()
        limit = _LIMITS.get(event["how"], "").format(start=self.start_seconds / 60, run=self.run_seconds / 3600)
        facts = collect(
            open_client(deployment.kubeconfig),
            event["name"],
            deployment.namespace,
            prove=lambda key: read_proof(settings, key),
            run_key=run_key,
            deadline=limit,
        )
        found = triage(facts)
        if limit:
            self._remove(deployment, event["name"])
        finding = Finding(run_key, because(found), (f"calve triage {event['name']}", *found.commands))
        return failure(told(found), finding, is_retryable=found.is_retryable)

    def _remove(self, deployment: Deployment, name: str) -> None:
        try:
            self._workloads(deployment).remove(name)
        except Exception:  # it must not take the place of the cause; `calve_watch` removes what is left
            self.log.exception("%s is left", name)


class SparkRunOperator(_WorkloadOperator):
    """Land, curate, audit and publish the interval that the DAG run means, by one Spark application.

    Its result is the run key, and the number of the publication; None when there was nothing to do.
    """

    operator_extra_links = (SparkLink(),)
    spark_id = ""

    def execute(self, context: Any) -> dict[str, Any] | None:
        """Plan by the records, submit, and let go of the worker."""
        from calve.airflow.waiting import FreeTrigger

        with refusals():
            project = self._project()
            with _records() as conn:
                request = request_of(self.pipeline, asked_of(context))
                planned = plan(conn, project, request, _now())
                busy = holders(conn).get(self.pipeline)
                known = published_as(conn, project, self.pipeline, request.interval) if request.interval else ()
            if not planned:
                by = f" as {', '.join(known)}" if known else ""
                self.log.info("nothing to do: everything asked for is published%s", by)
                return None
            if busy is not None and busy.run_key != planned[0].run.key:
                self.log.info("waiting: %s is being made on %s", busy.run_key, busy.holder)
                self.defer(trigger=FreeTrigger(pipeline=self.pipeline), method_name="again")
            self._submit(context, self._manifest(project, planned[0], context), planned[0].run.key)
        return None  # not reached: submitting defers

    def again(self, context: Any, event: dict[str, Any]) -> dict[str, Any] | None:
        """Plan anew once the pipeline is free: what was missing may be there by now."""
        self.log.info("free since %s", event["at"])
        return self.execute(context)

    def _project(self) -> Project:
        """Return the whole project, since the driver compares the digest of all of it."""
        try:
            return load_project(Path(self.project_folder))
        except ContractError as error:
            msg = f"pipeline {self.pipeline} can't be started while a contract is wrong, be it of another pipeline: "
            msg += f"the driver compares the digest of all; mend it, then clear the task\n{error}"
            raise ContractError(msg) from error

    def _manifest(self, project: Project, planned: Planned, context: Any) -> dict[str, Any]:
        return spark_application(project, planned, load_deployment(), _origin(context["ti"]))

    def look(self, context: Any, event: dict[str, Any], run_key: str) -> dict[str, Any]:
        """Ask the records what the run came to; the application's own word is only a hint."""
        self.spark_id = event.get("spark_id", "")
        with refusals():
            with connect(load_records_settings()) as conn:
                state = find_run(conn, run_key)
                verdicts = verdicts_of(conn, run_key)
            if state is None or state.publication is None:
                raise self._failed(event, run_key)
        if event["state"] != "COMPLETED":
            self.log.warning("%s: %s, and published all the same", event["name"], event["state"] or event["how"])
        telling.run_was_published(self.project_folder, run_key)
        datasets = closing.summary(verdicts)
        for line in closing.lines(run_key, state.publication, datasets):
            self.log.info("%s", line)
        return {RUN_KEY: run_key, "publication": state.publication, "datasets": datasets}


class CommandOperator(_WorkloadOperator):
    """Run one `calve …` command in a pod of the Spark image, without Spark.

    Attributes:
        command: Words after `calve`; `{run_key}` stands for what the task before made.
        run_from: Task whose run key it is.
    """

    kind = "Pod"
    template_fields = ("command",)

    def __init__(self, *, command: Sequence[str], run_from: str, **options: Any) -> None:
        super().__init__(**options)
        self.command, self.run_from = list(command), run_from

    @property
    def step(self) -> str:
        """Return the word that names the step in alerts."""
        return self.command[0]

    def execute(self, context: Any) -> None:
        """Submit the pod and let go of the worker; without a run there may be nothing to publish."""
        made = context["ti"].xcom_pull(task_ids=self.run_from) or {}
        run_key = made.get(RUN_KEY)
        if run_key is None and any("{run_key}" in word for word in self.command):
            self.log.info("nothing to do: %s made no run", self.run_from)
            return
        command = [word.format(run_key=run_key) for word in self.command]
        run = Run.parse(run_key) if run_key else None
        with refusals():
            project = self._declared()
            self._submit(
                context, command_pod(project, run, command, load_deployment(), _origin(context["ti"])), run_key
            )

    def _declared(self) -> Project:
        """Return the project, or its own part when another is wrong: the pod judges its own image's contracts."""
        folder = Path(self.project_folder)
        with suppress(ContractError):
            return load_project(folder)
        return load_pipeline(folder, self.pipeline)

    def look(self, context: Any, event: dict[str, Any], run_key: str | None) -> None:  # Airflow's signature
        """Believe the command's exit code."""
        if event["state"] != "Succeeded":
            with refusals():
                raise self._failed(event, run_key)
        telling.step_succeeded(self.pipeline, self.step)


class NeedsOperator(_PipelineOperator):
    """Wait, without a worker, until the needed pipelines are published, blocked, or waited for long enough."""

    def __init__(self, *, needs: Sequence[str], patience_seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self.needs, self.patience_seconds = list(needs), patience_seconds

    def execute(self, context: Any) -> None:
        """Say up to when they must be, look once, and wait when they are not."""
        from calve.airflow.waiting import NeedsTrigger, word_of

        with refusals():
            request = request_of(self.pipeline, asked_of(context))
            until = request.interval.until if request.interval else request.until
            if until is None:
                until = _now().replace(hour=0, minute=0, second=0, microsecond=0)
            with _records():
                words = [word_of(name, until) for name in self.needs]
            if all(word == "published" for word in words):
                return
        self.log.info("waiting for %s up to %s", ", ".join(self.needs), until.date())
        trigger = NeedsTrigger(self.needs, until.isoformat(), time.time() + self.patience_seconds)
        self.defer(trigger=trigger, method_name="go_on")

    def go_on(self, context: Any, event: dict[str, Any]) -> None:  # Airflow's signature
        """Go on with what there is, and say it."""
        for name, word in event["found"].items():
            self.log.info("%s: %s%s", name, word, "" if word == "published" else "; its previous publication is used")


@contextmanager
def _records() -> Iterator[Connection]:
    """Connect to records that are up to date: on a new lake a task may be the first who asks."""
    with connect(load_records_settings()) as conn:
        migrate(conn)
        yield conn


def _origin(ti: Any) -> Origin:
    return Origin(ti.dag_id, ti.task_id, ti.run_id, ti.map_index if ti.map_index is not None else -1, ti.try_number)


def _now() -> datetime:
    return datetime.now(UTC)
