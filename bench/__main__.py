"""Measure calve against its peers and print one table in Markdown; README's figures come from here.

    python -m bench [--only publication] [--rounds 7] [--scale 1] [--rows 5000000] [--write FILE]

Exits 1 when an aim is missed. Touches no engine but its own, which it starts and removes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from chain_engine import started  # type: ignore[import-not-found]

from bench import days, publication, staging
from bench.measure import Gauge
from bench.table import machine, table

PARTS = ("publication", "staging", "days")


def main() -> int:
    """Run what is asked for."""
    asked = _asked()
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", file=sys.stderr, flush=True)

    found = []
    with started() as engine:
        servers = [process for each in engine.state.processes().values() if (process := each.process())]
        gauge = Gauge(servers, asked.rounds, tell)
        empty = engine.lake("shop", "calve", scale=asked.scale)
        if asked.only in (None, "publication"):
            found += publication.compare(engine, empty, gauge)
        if asked.only in (None, "staging"):
            found += staging.compare(engine, empty, gauge, rows=asked.rows)
        if asked.only in (None, "days"):
            found += days.compare(engine, empty, gauge, loads=asked.loads)
    text = f"{table(found)}\n\n{machine()}; scale {asked.scale:g}, {asked.rounds} rounds\n"
    print(text)
    if asked.write:
        asked.write.write_text(text)
    return 0 if all(each.is_met for each in found) else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--loads", type=int, default=1, help="How often the whole history is loaded.")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--write", type=Path, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
