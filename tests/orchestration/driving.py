"""Drive a task through its deferrals: the worker's half here, the triggerer's in an event loop of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from psycopg.types.json import Jsonb

from calve.airflow.operator import CommandOperator, SparkRunOperator
from calve.lake.lease import Holder, acquire
from calve.lake.ledger import add
from calve.lake.published import find_publication
from calve.lake.records import Connection, transaction
from calve.runs import Interval, Run

DAY = "2026-01-02"
RUN = Run("revenue", Interval.parse(DAY))
APPLICATIONS = "/sparkapplications"
# What blocks a run; its sample must be told nowhere.
RULE = {
    "rule": "complete(facility_id)",
    "severity": "block",
    "outcome": "blocked",
    "checked_rows": 641,
    "broken_rows": 36,
    "allowed_rows": 6,
    "column": "facility_id",
    "detail": "36 of 641 rows break it, 6 allowed",
    "samples": ["order 7 of Ada Lovelace"],
}


@dataclass
class Records:
    """What a driver would have written."""

    conn: Connection
    number: int = 0

    def attempt(self, run: Run = RUN) -> None:
        """Begin an attempt."""
        since, until = run.interval.since, run.interval.until
        with transaction(self.conn) as cursor:
            cursor.execute(
                "insert into calve.attempt (run_key, attempt, pipeline, since, until, scope, generation, mode, branch,"
                " epoch, digest, holder) values (%s, 1, %s, %s, %s, %s, %s, 'changes', 'b', 1, 'd', 'h')",
                (run.key, run.pipeline, since, until, run.scope, run.generation),
            )

    def verdict(self, word: str, results: list[dict[str, Any]] | None = None, run: Run = RUN) -> None:
        """Give a verdict."""
        self.attempt(run)
        with transaction(self.conn) as cursor:
            cursor.execute(
                "insert into calve.verdict (run_key, dataset, attempt, word, table_uuid, row_count, results, fates,"
                " touched, inputs, decided_at)"
                " values (%s, 'fct_order_line', 1, %s, 'u', 1, %s, '{}', '{}', '{}', now())",
                (run.key, word, Jsonb(results or [])),
            )

    def publish(self, run: Run = RUN, results: list[dict[str, Any]] | None = None) -> int:
        """Publish a run whose verdict is passed."""
        self.verdict("passed", results, run=run)
        self.number += 1
        table = {
            "dataset": "fct_order_line",
            "namespace": "curated",
            "uuid": "u",
            "snapshot_id": self.number,
            "metadata_location": "m",
            "copy_path": "c",
            "row_count": 1,
            "staged": True,
        }
        since, until = run.interval.since, run.interval.until
        with transaction(self.conn) as cursor:
            cursor.execute(
                "insert into calve.publication values (%s, %s, %s, %s, %s, %s, %s, 'run', null, 1, 'd', %s, now())",
                (self.number, run.key, run.pipeline, since, until, run.scope, run.generation, Jsonb([table])),
            )
            add(cursor, find_publication(self.conn, run.key))
        return self.number

    def lease(self, run: Run = RUN, seconds: float = 600) -> None:
        """Let somebody else work on the pipeline."""
        acquire(self.conn, run.pipeline, run.key, Holder("elsewhere", 1, "x 1"), seconds)


@dataclass
class Driven:
    """A task, and what happens in the cluster while it waits."""

    cluster: Any
    records: Records
    project: Path
    shown: list[str] = field(default_factory=list)

    @property
    def play(self) -> Any:
        return self.cluster.play

    @property
    def namespace(self) -> str:
        return self.cluster.namespace

    def operator(self, **options: Any) -> SparkRunOperator:
        given = {"pipeline": "revenue", "project_folder": str(self.project)} | options
        return SparkRunOperator(task_id="make", **given)

    def command(self, *words: str, **options: Any) -> CommandOperator:
        given = {"pipeline": "revenue", "project_folder": str(self.project), "run_from": "make"} | options
        return CommandOperator(task_id="expose", command=words, **given)

    def names(self) -> list[str]:
        """Return the names of the applications that there are."""
        return sorted(each["metadata"]["name"] for each in self.play.applications())

    def created(self, path: str = APPLICATIONS) -> int:
        """Return how many the cluster made."""
        return sum(each.status == 201 for each in self.cluster.asked("POST", path))

    def deferred(self, operator: Any, task: Any) -> TaskDeferred:
        """Run the worker's half until the task waits."""
        try:
            operator.execute(task)
        except TaskDeferred as found:
            return found
        msg = "it did not wait"
        raise AssertionError(msg)

    def run(self, meanwhile: Callable[[str], object] = lambda name: None, *, operator: Any = None, **task: Any) -> Any:
        """Run a task to its end; `meanwhile` is called with the name of what it waits for, once it waits."""
        operator, context = operator or self.operator(), context_of(**task)
        method, given = "execute", {}
        while True:
            try:
                return getattr(operator, method)(context, **given)
            except TaskDeferred as deferred:
                event = self.wait(deferred.trigger, meanwhile)
                method, given = deferred.method_name, {**(deferred.kwargs or {}), "event": event}
            except Exception as error:
                if isinstance(error, AirflowFailException) or context["ti"].try_number > context["ti"].max_tries:
                    given_up(operator, {**context, "exception": error})
                raise

    def wait(self, trigger: Any, meanwhile: Callable[[str], object] = lambda name: None) -> dict[str, Any]:
        """Run a trigger as the triggerer does, made anew from what was stored, and return its event."""
        path, fields = trigger.serialize()
        module, _, name = path.rpartition(".")
        made = getattr(import_module(module), name)(**fields)
        made._log = logger = logging.Logger("the task's log")
        logger.addHandler(_Shown(self.shown))

        async def first() -> dict[str, Any]:
            waits = asyncio.create_task(anext(aiter(made.run())))
            failed: list[BaseException] = []
            step = threading.Thread(target=_step, args=(meanwhile, getattr(made, "name", ""), failed))
            step.start()
            try:
                event = await asyncio.wait_for(waits, 60)
            finally:
                await asyncio.to_thread(step.join)
            if failed:
                raise failed[0]
            return event.payload

        return asyncio.run(first())


def given_up(operator: Any, context: dict[str, Any]) -> None:
    """Do what Airflow does when it gives a task up; without `exception` when it lost the worker."""
    for callback in operator.on_failure_callback:
        callback({**context, "task": operator})


class _Shown(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _step(meanwhile: Callable[[str], object], name: str, failed: list[BaseException]) -> None:
    try:
        meanwhile(name)
    except BaseException as error:  # told by the test's own thread
        failed.append(error)


def context_of(
    *,
    try_number: int = 1,
    day: str | None = DAY,
    kind: str = "backfill",
    run_id: str = "backfill__2026-01-02",
    form: dict[str, Any] | None = None,
    made: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what Airflow tells a task."""
    ti = SimpleNamespace(
        dag_id="revenue",
        task_id="make",
        run_id=run_id,
        map_index=-1,
        try_number=try_number,
        max_tries=4,
        xcom_pull=lambda **_: made,
    )
    return {"ti": ti, "dag_run": SimpleNamespace(run_type=kind, partition_key=day), "params": form or {}}
