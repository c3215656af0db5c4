"""What it costs that Airflow runs an application, beside the provider's operator at its defaults; and parsing.

    .venv-airflow/bin/python -m bench.orchestration [--rounds 7]

Prints comparisons as JSON: `python -m bench --only orchestration` starts this and shows them. An application is played:
it runs at once and for one to three seconds, so that a poll comes at every phase; or it queues for five seconds first.
A parse of all DAG files is one `DagBag` in one process; a parse of one file is a fork, as the dag processor makes it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

# Before Airflow is imported: where it makes its folder, and that it says nothing of each task.
os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "calve-bench-airflow"))
os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "CRITICAL")

from bench.driven import Scene, scene
from bench.many_contracts import write_project
from bench.measure import Aim, Comparison
from bench.remote import Amount
from private_postgres import postgres_server  # type: ignore[import-not-found]

CONTRACTS = 300
QUEUE_SECONDS = 5.0
# The provider's own.
DEFAULTS = {"poll_interval": 2}
PARSED = Aim("at most 2 s", 2.0)
HELD = Aim("0 s", 0.1)
_PEER_DAG = """
from datetime import datetime
from airflow.sdk import DAG
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator

with DAG(dag_id="{name}", schedule="30 0 * * *", start_date=datetime(2025, 1, 1)) as dag:
    tasks = [SparkKubernetesOperator(task_id=f"task_{{n}}", template_spec={{}}, deferrable=True) for n in range(4)]
"""
Amounts = dict[str, list[float]]


def measure(rounds: int) -> list[Comparison]:
    """Measure tasks and parsing, ours and the peer's in turns."""
    ours, peer = tasks(rounds)
    found: list[Comparison] = [
        Amount("a task without its application: wall", ours["tax"], peer["tax"], "s"),
        Amount("from the application's end to the trigger's event", ours["delay"], peer["delay"], "s"),
        Amount(f"worker held while it queues for {QUEUE_SECONDS:.0f} s", ours["held"], peer["held"], "s", HELD),
    ]
    with tempfile.TemporaryDirectory() as folder:
        return found + parsing(Path(folder), rounds)


def tasks(rounds: int) -> tuple[Amounts, Amounts]:
    """Return ours and the provider's seconds."""
    found: dict[bool, Amounts] = {
        True: {"tax": [], "delay": [], "held": []},
        False: {"tax": [], "delay": [], "held": []},
    }
    with postgres_server() as postgres:
        for number in range(rounds + 1):
            for is_ours in (True, False) if number % 2 else (False, True):
                runs_seconds = 1 + 2 * number / rounds
                tax, delay = _short(postgres, is_ours=is_ours, seconds=runs_seconds)
                held = _queued(postgres, is_ours=is_ours)
                if number:
                    for key, seconds in (("tax", tax), ("delay", delay), ("held", held)):
                        found[is_ours][key].append(seconds)
    return found[True], found[False]


def _short(postgres: Path, *, is_ours: bool, seconds: float) -> tuple[float, float]:
    """Return what a task took beside its application, and when its end was noticed."""
    at: dict[str, float] = {}
    with scene(postgres, is_ours=is_ours) as task:

        def appears(name: str) -> None:
            at["made"] = perf_counter()
            task.play.run(name)

        def waits(name: str) -> None:
            threading.Event().wait(at["made"] + seconds - perf_counter())
            task.records.publish()
            task.play.end(name)
            at["end"] = perf_counter()

        began = perf_counter()
        task.run(appears=appears, waits=waits, stock=DEFAULTS)
        whole = perf_counter() - began
        _must_be_green(task)
    return whole - (at["end"] - at["made"]), task.noticed_at - at["end"]


def _queued(postgres: Path, *, is_ours: bool) -> float:
    """Return how long a worker had the task after its application was made, and before its driver came up and after."""
    made: list[float] = []
    with scene(postgres, is_ours=is_ours) as task:

        def begins(name: str) -> None:
            threading.Event().wait(QUEUE_SECONDS)
            task.play.run(name)

        def appears(name: str) -> None:
            made.append(perf_counter())
            task.play.set_application(name, "SUBMITTED")
            threading.Thread(target=begins, args=[name]).start()

        def waits(name: str) -> None:
            task.cluster.until(task.play.pods)
            task.records.publish()
            task.play.end(name)

        context = task.context()
        waiting = task.submit(context, appears, stock=DEFAULTS)[1]
        held = perf_counter() - made[0]
        task.follow(waiting, context, waits, stock=DEFAULTS)
        _must_be_green(task)
    return held


def _must_be_green(task: Scene) -> None:
    if [each.word for each in task.ended] != ["green"]:
        msg = f"bench: the task ended {task.ended}, expected green; the figures would mean nothing"
        raise RuntimeError(msg)


def parsing(folder: Path, rounds: int) -> list[Comparison]:
    """Compare our DAG files with as many of the provider's that declare nothing."""
    (folder / "ours").mkdir()
    (folder / "peer").mkdir()
    contracts = write_project(folder / "ours", CONTRACTS)
    dags = sorted((folder / "ours" / "dags").iterdir())
    for each in dags:
        (folder / "peer" / each.name).write_text(_PEER_DAG.format(name=each.stem))
    found: dict[str, list[dict[str, Any]]] = {"ours/dags": [], "peer": []}
    for number in range(rounds):
        for place in list(found)[:: -1 if number % 2 else 1]:
            with _environment(folder / "ours") as environment:
                command = [sys.executable, "-m", "bench.parsing", str(folder / place)]
                done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            found[place].append(json.loads(done.stdout.splitlines()[-1]))
    what = f"parse {len(dags)} DAG files of {contracts} contracts"
    lines = (
        (f"{what}, the first time: CPU", "first", "cpu", None),
        (f"{what}, each following time: CPU", "following", "cpu", PARSED),
        (f"{what}, each following time: wall", "following", "wall", PARSED),
        ("one of them in a fork, as the dag processor does: CPU", "forks", "cpu", PARSED),
    )
    ours, peer = found["ours/dags"], found["peer"]
    return [
        Amount(text, _amounts(ours, part, kind), _amounts(peer, part, kind), "s", aim)
        for text, part, kind, aim in lines
    ]


def _amounts(runs: list[dict[str, Any]], part: str, kind: str) -> list[float]:
    if part == "forks":
        return [max(each[kind] for each in run[part]) for run in runs]
    return [run[part][kind] for run in runs]


@contextmanager
def _environment(project: Path) -> Iterator[dict[str, str]]:
    """Give settings for a parse in a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        yield {**os.environ, "AIRFLOW_HOME": home, "CALVE_PROFILE": "cluster", "CALVE_PROJECT": str(project)}


def main() -> int:
    """Measure and print, as JSON for the other environment."""
    parser = argparse.ArgumentParser(prog="python -m bench.orchestration")
    parser.add_argument("--rounds", type=int, default=7)
    print(json.dumps([asdict(each) for each in measure(parser.parse_args().rounds)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
