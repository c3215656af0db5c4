"""Have the orchestration measured in Airflow's environment, which is not the engine's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from statistics import median

from bench.measure import Aim, Comparison, Tell


class Amount(Comparison):
    """A comparison whose aim is for our own amount, and not for the ratio."""

    @property
    def is_met(self) -> bool:
        """Tell whether the aim is reached."""
        return self.aim is None or median(self.ours) <= self.aim.most


def orchestration(python: Path, rounds: int, tell: Tell) -> list[Comparison]:
    """Start the measuring in Airflow's environment and read what it prints.

    Raises:
        subprocess.CalledProcessError: It failed; it said why on standard error.
    """
    tell("orchestration: in Airflow's environment")
    command = [python, "-m", "bench.orchestration", "--rounds", str(rounds)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return [Amount(**{**each, "aim": Aim(**each["aim"]) if each["aim"] else None}) for each in found]
