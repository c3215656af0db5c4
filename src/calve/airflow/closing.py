"""Sum up what a published run came to, for the task's log and its result. Reads verdicts; never a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from calve.lake.verdicts import DatasetVerdict


def summary(verdicts: Sequence[DatasetVerdict]) -> dict[str, dict[str, Any]]:
    """Return the rows of each dataset, and how many of its rules warned or sent rows to quarantine."""
    found = {}
    for each in verdicts:
        outcomes = Counter(result.outcome for result in each.results)
        found[each.dataset] = {
            "verdict": each.word,
            "rows": each.row_count,
            "rules": len(each.results),
            "warned": outcomes["warned"],
            "quarantined": outcomes["quarantined"],
        }
    return found


def lines(run_key: str, publication: int, datasets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the closing lines of the task's log."""
    yield f"{run_key} is published as {publication}"
    for name, one in datasets.items():
        counts = [f"{one['rows']:,} rows", f"{one['rules']} rules"]
        counts += [f"{one[word]} {word}" for word in ("warned", "quarantined") if one[word]]
        yield f"  {name}: {one['verdict']}, {', '.join(counts)}"
    if any(one["warned"] or one["quarantined"] for one in datasets.values()):
        yield f"look:  calve audit show '{run_key}'"
