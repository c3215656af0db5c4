"""Put calve's operator beside the provider's own through the same situations, and print what each came to.

    .venv-airflow/bin/python -m bench.operators [--only SITUATION]

Exits 1 when calve's is not what it should be. Every cell is counted: how the tries ended, how many applications were
made, how many still go on when the task is over. What is not as it should be is bold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

# Before Airflow is imported: where it makes its folder, and that it says nothing of each task.
os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "calve-bench-airflow"))
os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "CRITICAL")

from bench.driven import scene
from bench.plays import Outcome
from bench.situations import SITUATIONS, Situation
from private_postgres import postgres_server  # type: ignore[import-not-found]

PROVIDER = "apache-airflow-providers-cncf-kubernetes"


@dataclass(frozen=True)
class Row:
    """What a situation came to."""

    situation: Situation
    stock: Outcome
    ours: Outcome

    @property
    def is_right(self) -> bool:
        """Tell whether calve's operator did what it should."""
        return self.ours == self.situation.should

    def __str__(self) -> str:
        should = self.situation.should
        cells = [str(each) if each == should else f"**{each}**" for each in (self.stock, self.ours)]
        return f"| {self.situation.what} | {should} | {' | '.join(cells)} |"


def row(situation: Situation, postgres: Path) -> Row:
    """Play a situation for both; `postgres` is the folder of a server's socket."""
    with scene(postgres, is_ours=False) as theirs:
        stock = situation.play(theirs)
    with scene(postgres, is_ours=True) as ours:
        return Row(situation, stock, situation.play(ours))


def head() -> list[str]:
    """Return the head of the table, which names the provider's version."""
    return [f"| what happens | should be | provider {version(PROVIDER)} | calve |", "|---|---|---|---|"]


def main() -> int:
    """Print the table, of all situations or of some."""
    wanted, wrong = _asked(), 0
    with postgres_server() as postgres:
        print("\n".join(head()))
        for situation in SITUATIONS:
            if not wanted or situation.name in wanted:
                found = row(situation, postgres)
                wrong += not found.is_right
                print(found, flush=True)
    if wrong:
        print(f"calve: not as it should be in {wrong} of the situations", file=sys.stderr)
    return 1 if wrong else 0


def _asked() -> Sequence[str]:
    parser = argparse.ArgumentParser(prog="python -m bench.operators", description=__doc__.splitlines()[0])
    names = [each.name for each in SITUATIONS]
    parser.add_argument("--only", choices=names, action="append", help="can be given several times")
    return parser.parse_args().only or ()


if __name__ == "__main__":
    sys.exit(main())
