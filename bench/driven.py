"""Drive a task of calve's operator, or of the provider's own, through its tries against a Kubernetes API over HTTP.

Both get the same play: what happens when an application appears, and what happens once the task waits. As in Airflow,
a task that goes on after its deferral is a new operator, and its trigger is made anew from what was stored. The
provider's operator is unmodified, and deferrable.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import psycopg
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from driving import Driven, Records, context_of  # type: ignore[import-not-found]

from calve.kubernetes.states import is_leaving, is_over
from calve.lake.records import connect, migrate
from calve.settings import load_records_settings
from calve.standin.kubernetes.server import Server

ROOT = Path(__file__).parents[1]
NAMESPACE = "calve"
NAME = "revenue"
TRIGGER_SECONDS = 60.0
Step = Callable[[str], object]


def _nothing(name: str) -> None:
    """Let nothing happen."""


@dataclass(frozen=True)
class Ending:
    """How a try ended.

    Attributes:
        word: green, red (Airflow retries it), or final (red, and it does not).
    """

    word: str
    said: str = ""


@dataclass
class Scene:
    """One task, its cluster and its records.

    Attributes:
        made: Names of the applications that were made for it, in their order.
        is_over: The trigger has ended.
        noticed_at: When it did, by this process's clock.
    """

    is_ours: bool
    driven: Driven
    kubeconfig: Path
    ended: list[Ending] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    noticed_at: float = 0.0

    @property
    def cluster(self) -> Server:
        """Return the Kubernetes API."""
        return self.driven.cluster  # type: ignore[no-any-return]

    @property
    def play(self) -> Any:
        """Return who plays operator, kubelet and scheduler."""
        return self.cluster.play

    @property
    def records(self) -> Records:
        """Return what a driver would have written."""
        return self.driven.records

    def operator(self, *, ours: dict[str, Any] | None = None, stock: dict[str, Any] | None = None) -> Any:
        """Make the task as its DAG file would; `ours` and `stock` are options of the one and the other."""
        if self.is_ours:
            return self.driven.operator(**(ours or {}))
        spec = {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.9", "restartPolicy": {"type": "Never"}}
        body = {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {}}
        given: dict[str, Any] = {
            "name": NAME,
            "template_spec": {**body, "spec": {**spec, "driver": {}, "executor": {}}},
            "namespace": NAMESPACE,
            "kubernetes_conn_id": None,
            "config_file": str(self.kubeconfig),
            "deferrable": True,
            # Its default is two seconds.
            "poll_interval": 0.2,
        }
        return SparkKubernetesOperator(task_id="make", **given | (stock or {}))

    def context(self, try_number: int = 1, dag_id: str = NAME) -> dict[str, Any]:
        """Return what Airflow tells a task."""
        context: dict[str, Any] = context_of(try_number=try_number)
        ti = context["ti"]
        ti.dag_id, ti.start_date, ti.xcom_push = dag_id, datetime.now(UTC), lambda **_: None
        return {**context, "task_instance": ti, "run_id": ti.run_id, "dag": SimpleNamespace()}

    def submit(self, context: dict[str, Any], appears: Step = _nothing, **options: Any) -> tuple[Any, Any]:
        """Run the worker's half: the operator, and its deferral or its ending."""
        operator = self.operator(**options)
        return operator, self._work(lambda: operator.execute(context), appears)

    def run(self, try_number: int = 1, *, appears: Step = _nothing, waits: Step = _nothing, **options: Any) -> Ending:
        """Run a try to its end."""
        context = self.context(try_number)
        return self.follow(self.submit(context, appears, **options)[1], context, waits, **options)

    def follow(self, found: Any, context: dict[str, Any], waits: Step = _nothing, **options: Any) -> Ending:
        """Run a try from its deferral to its end; `waits` is played, beside the trigger, once the task waits."""
        while isinstance(found, TaskDeferred):
            given = {**(found.kwargs or {}), "event": asyncio.run(self._wait(found.trigger, waits))}
            method = getattr(self.operator(**options), found.method_name)
            found = self._work(partial(method, context, **given))
        self.ended.append(found)
        return found  # type: ignore[no-any-return]

    def newest(self) -> str:
        """Return the name of the application that was made last."""
        return self.made[-1]

    def live(self) -> int:
        """Return how many applications still go on, or may."""
        return sum(not is_over({**each, "kind": ""}) and not is_leaving(each) for each in self.play.applications())

    def _work(self, half: Callable[[], object], appears: Step = _nothing) -> TaskDeferred | Ending:
        try:
            with self._playing(appears):
                half()
        except TaskDeferred as deferred:
            return deferred
        except Exception as error:  # whatever it is, Airflow makes the task red
            return Ending("final" if isinstance(error, AirflowFailException) else "red", str(error))
        return Ending("green")

    async def _wait(self, trigger: Any, waits: Step) -> dict[str, Any]:
        """Run a trigger as the triggerer does, and return its event."""
        self.is_over.clear()
        made = again(trigger)
        event = asyncio.create_task(anext(aiter(made.run())))
        step = asyncio.create_task(asyncio.to_thread(waits, self.newest()))
        try:
            return (await asyncio.wait_for(event, TRIGGER_SECONDS)).payload  # type: ignore[no-any-return]
        finally:
            self.noticed_at = perf_counter()
            self.is_over.set()
            await step

    @contextmanager
    def _playing(self, appears: Step) -> Iterator[None]:
        """Play a step for each application that appears, before the answer to its POST."""

        def changed() -> None:
            for each in self.play.applications():
                if (name := each["metadata"]["name"]) not in self.made:
                    self.made.append(name)
                    appears(name)

        with self.cluster.store.listening(changed):
            yield


def again(trigger: Any) -> Any:
    """Make a trigger anew from what was stored of it, as another process does."""
    path, fields = trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**fields)


@contextmanager
def scene(postgres: Path, *, is_ours: bool) -> Iterator[Scene]:
    """Give a task with a cluster and records of its own; `postgres` is the folder of a server's socket."""
    name = f"b{uuid.uuid4().hex[:12]}"
    admin = psycopg.connect(f"postgresql://postgres@/postgres?host={postgres}", autocommit=True)
    with admin, Server(NAMESPACE) as cluster, tempfile.TemporaryDirectory() as folder:
        kubeconfig = cluster.write_kubeconfig(Path(folder) / "kubeconfig")
        settings = {
            "CALVE_PROFILE": "cluster",
            "CALVE_PROJECT": str(ROOT),
            "CALVE_CATALOG_URL": f"postgresql://postgres@/{name}?host={postgres}",
            "CALVE_KUBERNETES_NAMESPACE": NAMESPACE,
            "CALVE_KUBERNETES_IMAGE": "calve-spark:test",
            "CALVE_KUBERNETES_KUBECONFIG": str(kubeconfig),
        }
        admin.execute(f"create database {name}")
        with patch.dict(os.environ, settings), connect(load_records_settings()) as conn:
            migrate(conn)
            yield Scene(is_ours, Driven(cluster, Records(conn), ROOT), kubeconfig)
        admin.execute(f"drop database {name} with (force)")
