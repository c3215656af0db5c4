"""Run clean generated days one by one, on real parts, and count verdicts: none may block, no rule may warn.

Exits 1 at any block or warning. Never plants a defect and touches no engine but its own.

    python bench/clean_days.py [--days 60] [--scale 0.4]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

sys.path += [str(Path(__file__).parents[1] / "tests" / folder) for folder in ("", "chain")]

from chain_engine import new_lake, started  # type: ignore[import-not-found]
from the_history import HISTORY_END, SCALE  # type: ignore[import-not-found]


def main() -> int:
    """Run the days; print a line per day and the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--scale", type=float, default=SCALE)
    asked = parser.parse_args()
    words: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    with started() as engine:
        lake = new_lake(engine, HISTORY_END, scale=asked.scale)
        for number in range(asked.days):
            day, began = HISTORY_END + timedelta(days=number), time.monotonic()
            lake.fill(day + timedelta(days=1))
            verdicts = [verdict for found in lake.run(since=day).values() for verdict in found]
            words.update(verdict.word for verdict in verdicts)
            results = [(verdict.dataset, result) for verdict in verdicts for result in verdict.results]
            outcomes.update(result.outcome for _, result in results)
            print(
                f"{day}: {len(verdicts)} verdicts, {len(results)} rules, {time.monotonic() - began:.1f} s", flush=True
            )
            for dataset, result in results:
                if result.outcome != "passed":
                    print(f"  {dataset}: {result.rule} {result.outcome}: {result.detail} {result.samples}", flush=True)
    print(f"verdicts {dict(words)}, rules {dict(outcomes)}")
    return 0 if set(words) == {"passed"} and set(outcomes) == {"passed"} else 1


if __name__ == "__main__":
    sys.exit(main())
