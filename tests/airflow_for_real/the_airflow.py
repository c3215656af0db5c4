"""The real Airflow over a local engine of its own, driven as a person drives it: by its command and its REST API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import psutil

from calve.lake.attempts import runs
from calve.lake.published import history
from calve.lake.records import Connection, connect
from calve.settings import RecordsSettings
from calve.standin.airflow.rest import Rest
from calve.standin.local.state import State
from unused_ports import free_ports

ROOT = Path(__file__).parents[2]
MAKE = "land_curate_audit_and_publish"
LONGEST_SECONDS = 240.0
APPLICATIONS = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/calve/sparkapplications"
T = TypeVar("T")


def until(told: Callable[[], T], seconds: float = LONGEST_SECONDS) -> T:
    """Return the first answer that is true of a question asked again and again."""
    ends, tick, found = time.monotonic() + seconds, threading.Event(), told()
    while not found and time.monotonic() < ends:
        tick.wait(0.3)
        found = told()
    assert found, f"not within {seconds:.0f} s"
    return found


class Airflow:
    """A running `python -m calve.standin.airflow`."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(4)
        parts = zip(("POSTGRES", "S3", "SNOWFLAKE"), ports, strict=False)
        self.state = folder / ".calve"
        self.url = f"http://127.0.0.1:{ports[3]}"
        self.environ = {key: value for key, value in os.environ.items() if not key.startswith("CALVE_")} | {
            "CALVE_STATE": str(self.state),
            "CALVE_PROJECT": str(ROOT),
            "CALVE_AIRFLOW_PORT": str(ports[3]),
            **{f"CALVE_LOCAL_PORT_{part}": str(port) for part, port in parts},
        }
        self.log = folder / "airflow.log"

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "calve.standin.airflow"],
                env=self.environ,
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        until(lambda: "login " in self.told or self.process.poll() is not None)
        assert self.process.poll() is None, self.told
        self.rest = Rest(self.url, "admin", str(State(self.state / "airflow").settings()["password"]))

    def stop(self) -> list[psutil.Process]:
        """Press Ctrl-C; return all that had been started."""
        found = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.send_signal(signal.SIGINT)
        self.process.wait(90)
        return found

    @property
    def told(self) -> str:
        return self.log.read_text()

    def calve(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "calve", *words],
            env=self.environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def command(self, *words: str) -> None:
        """Type `airflow …`, as in docs/airflow.md."""
        given = [sys.executable, "-m", "calve.standin.airflow", *words]
        done = subprocess.run(given, env=self.environ, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    def runs(self, dag: str) -> list[Run]:
        """Return the DAG's runs, newest first."""
        found = self.rest("GET", f"/dags/{dag}/dagRuns?order_by=-run_after")["dag_runs"]
        return [Run(self, dag, each["dag_run_id"]) for each in found]

    def trigger(self, dag: str, **form: str) -> Run:
        asked = {"logical_date": None, "conf": form}
        return Run(self, dag, self.rest("POST", f"/dags/{dag}/dagRuns", asked)["dag_run_id"])

    def kill(self, component: str) -> None:
        """Kill -9 a component, and wait until another one was started in its place."""
        recorded = State(self.state / "airflow").processes()[component]
        psutil.Process(recorded.pid).children()[0].kill()
        until(lambda: State(self.state / "airflow").processes()[component].pid != recorded.pid, 30)

    def applications(self) -> dict[str, str]:
        """Return the state of each application that the cluster knows."""
        known = json.loads((self.state / "airflow" / "kubeconfig").read_text())
        with urllib.request.urlopen(known["clusters"][0]["cluster"]["server"] + APPLICATIONS) as answer:
            items = json.load(answer)["items"]
        return {each["metadata"]["name"]: each.get("status", {})["applicationState"]["state"] for each in items}

    def drivers(self) -> list[psutil.Process]:
        """Return the driver processes that run."""
        cluster = State(self.state / "airflow").processes()["kubernetes-stand-in"].pid
        found = []
        for child in psutil.Process(cluster).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found += [child] if "--follow-stdin" in child.cmdline() else []
        return found

    @contextmanager
    def records(self) -> Iterator[Connection]:
        url = State(self.state).settings()["catalog_url"]
        with connect(RecordsSettings(catalog_url=url)) as conn:
            yield conn

    def attempts(self, pipeline: str) -> list[tuple[str, int, str]]:
        """Return run key, number of attempts and outcome of each run."""
        with self.records() as conn:
            return [(each.run.key, len(each.attempts), each.word) for each in runs(conn, pipeline)]

    def published(self) -> list[str]:
        """Return the run keys of all publications."""
        with self.records() as conn:
            return [each.run_key for each in history(conn)]


class Run:
    """One DAG run."""

    def __init__(self, airflow: Airflow, dag: str, name: str) -> None:
        self.airflow, self.dag, self.path = airflow, dag, f"/dags/{dag}/dagRuns/{quote(name, safe='')}"
        self.name = name

    @property
    def state(self) -> str:
        return str(self.airflow.rest("GET", self.path)["state"])

    def task(self, task: str = MAKE) -> dict[str, Any]:
        found: dict[str, Any] = self.airflow.rest("GET", f"{self.path}/taskInstances/{task}")
        return found

    def lines(self, task: str = MAKE, attempt: int = 1) -> list[str]:
        content = self.airflow.rest("GET", f"{self.path}/taskInstances/{task}/logs/{attempt}?full_content=true")
        return [json.dumps(line) if isinstance(line, dict) else str(line) for line in content["content"]]

    def log(self, task: str = MAKE, attempt: int = 1) -> str:
        return "\n".join(self.lines(task, attempt))

    def until_it_runs(self, attempt: int = 1) -> None:
        """Wait until Spark works and the triggerer tells of it."""
        until(lambda: self.task()["state"] == "deferred" and "| spark    session up" in self.log(attempt=attempt), 120)

    def until_over(self) -> str:
        return until(lambda: self.state if self.state in ("success", "failed") else "")


@contextmanager
def running() -> Iterator[Airflow]:
    with tempfile.TemporaryDirectory(prefix="calve-airflow-") as folder:
        Path(folder).chmod(0o711)
        airflow = Airflow(Path(folder))
        try:
            airflow.calve("local", "up")
            airflow.calve("source", "fill", "--scale", "0.05", "--until", "2025-01-09")
            airflow.start()
            yield airflow
        finally:
            with suppress(AttributeError):
                airflow.stop()
            airflow.calve("local", "down", "--wipe")
