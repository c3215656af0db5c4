"""Measure calve against its peers and print one table in Markdown; README's figures come from here.

    python -m bench [--only publication|staging|days|load] [--rounds 7] [--write FILE]

Exits 1 when an aim is missed. Touches no engine but its own, which it starts and removes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from chain_engine import started  # type: ignore[import-not-found]

from bench import days, publication, staging
from bench.measure import Comparison, Gauge
from bench.table import machine, table

PARTS = ("publication", "staging", "days", "load")


def main() -> int:
    """Run what is asked for."""
    asked = _asked()
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", file=sys.stderr, flush=True)

    with started() as engine:
        servers = [process for each in engine.state.processes().values() if (process := each.process())]
        gauge = Gauge(servers, asked.rounds, tell)
        parts = {
            "publication": lambda: publication.compare(engine, gauge),
            "staging": lambda: staging.compare(engine, gauge, rows=asked.rows),
            "days": lambda: days.after_histories(engine, gauge, scale=asked.scale),
            "load": lambda: days.against_load(engine, gauge, scale=asked.load_scale, loads=asked.loads),
        }
        found: list[Comparison] = []
        for part in asked.only or PARTS:
            found += parts[part]()
            tell(f"so far\n{table(found)}")
    text = f"{table(found)}\n\n{machine()}; median (least..most) of {asked.rounds} rounds, of {asked.loads} loads\n"
    print(text)
    if asked.write:
        asked.write.write_text(text)
    return 0 if all(each.is_met for each in found) else 1


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
