"""Measure calve against its peers and print one table in Markdown; README's figures come from here.

    python -m bench [--only publication|staging|days|load|orchestration] [--rounds 7] [--write FILE]

Exits 1 when an aim is missed. Touches no engine but its own, which it starts and removes. The orchestration is measured
in Airflow's environment, `.venv-airflow`, and needs no engine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from chain_engine import started  # type: ignore[import-not-found]

from bench import days, publication, staging
from bench.measure import Comparison, Gauge, Tell
from bench.remote import orchestration
from bench.table import machine, table

PARTS = ("publication", "staging", "days", "load", "orchestration")
AIRFLOW = Path(__file__).parents[1] / ".venv-airflow" / "bin" / "python"


def main() -> int:
    """Run what is asked for."""
    asked = _asked()
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", file=sys.stderr, flush=True)

    found: list[Comparison] = []
    wanted = asked.only or PARTS
    if on_engine := [part for part in wanted if part != "orchestration"]:
        found += _on_engine(on_engine, asked, tell)
    if "orchestration" in wanted:
        found += orchestration(AIRFLOW, asked.rounds, tell)
    text = f"{table(found)}\n\n{machine()}; median (least..most) of {asked.rounds} rounds, of {asked.loads} loads\n"
    print(text)
    if asked.write:
        asked.write.write_text(text)
    return 0 if all(each.is_met for each in found) else 1


def _on_engine(wanted: Sequence[str], asked: argparse.Namespace, tell: Tell) -> list[Comparison]:
    """Measure what needs the local engine."""
    found: list[Comparison] = []
    with started() as engine:
        servers = [process for each in engine.state.processes().values() if (process := each.process())]
        gauge = Gauge(servers, asked.rounds, tell)
        parts = {
            "publication": lambda: publication.compare(engine, gauge),
            "staging": lambda: staging.compare(engine, gauge, rows=asked.rows),
            "days": lambda: days.after_histories(engine, gauge, scale=asked.scale),
            "load": lambda: days.against_load(engine, gauge, scale=asked.load_scale, loads=asked.loads),
        }
        for part in wanted:
            found += parts[part]()
            tell(f"so far\n{table(found)}")
    return found


def _asked() -> argparse.Namespace:
    said = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0], formatter_class=said)
    parser.add_argument("--only", choices=PARTS, action="append", help="can be given several times")
    parser.add_argument("--rounds", type=int, default=7, help="how often each case is measured, after a warm-up")
    parser.add_argument("--rows", type=int, default=5_000_000, help="of a staging")
    parser.add_argument("--scale", type=float, default=1, help="of the shop whose histories differ")
    parser.add_argument("--load-scale", type=float, default=10, help="of the shop that is loaded whole")
    parser.add_argument("--loads", type=int, default=1, help="how often that is loaded")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to it, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
