"""Parse a folder of DAG files as Airflow does, in a process that parsed none before; print seconds as JSON.

    .venv-airflow/bin/python -m bench.parsing FOLDER

Twice all files in this one process (`DagBag`), and before that some of them each in a fork of it, as the dag processor
does for every file at every turn: nothing that a fork has read is there for the next.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

FORKS = 5


def main(folder: Path) -> None:
    """Measure and print."""
    files = sorted(folder.glob("*.py"))
    forks = [_took(lambda file=file: _fork(file)) for file in files[:: -(-len(files) // FORKS)]]  # type: ignore[misc]
    passes = [_took(lambda: _parse(folder, len(files))) for _ in range(2)]
    print(json.dumps({"first": passes[0], "following": passes[1], "forks": forks}))


def _took(work: Callable[[], object]) -> dict[str, float]:
    began, cpu = time.perf_counter(), _cpu_seconds()
    work()
    return {"wall": time.perf_counter() - began, "cpu": _cpu_seconds() - cpu}


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


def _fork(file: Path) -> None:
    child = os.fork()
    if not child:
        try:
            _parse(file, 1)
        except BaseException as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        msg = f"bench: {file} was not parsed; the figures would mean nothing"
        raise RuntimeError(msg)


def _parse(where: Path, dags: int) -> None:
    bag = DagBag(dag_folder=str(where))
    if bag.import_errors or len(bag.dags) != dags:
        msg = f"bench: {where} has {len(bag.dags)} DAGs, expected {dags}; {bag.import_errors}"
        raise RuntimeError(msg)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
