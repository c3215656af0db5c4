"""What the lake's commands print. Words and columns only; looks nothing up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from calve.lake.attempts import RunState, Way
from calve.lake.published import Publication
from calve.lake.verdicts import DatasetVerdict, RuleResult
from calve.runs import Run

_WORST_FIRST = ("blocked", "warned", "quarantined", "passed")


def columns(rows: Sequence[Sequence[object]], head: Sequence[str]) -> str:
    """Lay rows out in columns under a head; numbers are told apart by thousands."""
    cells = [[*map(str, head)], *([f"{c:,}" if isinstance(c, int) else str(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def result_lines(result: RuleResult) -> list[str]:
    """Say what one rule found, and some keys that broke it."""
    lines = [f"  {result.outcome:<11} {result.rule}: {result.detail}"]
    if result.samples:
        lines.append(f"              e.g. {'; '.join(result.samples)}")
    return lines


def verdict(run: Run, found: Sequence[DatasetVerdict], *, everything: bool) -> str:
    """Explain the verdict of a run, worst first; without `everything`, only what did not pass."""
    lines = []
    for each in sorted(found, key=lambda one: one.word):
        results = sorted(each.results, key=lambda r: _WORST_FIRST.index(r.outcome))
        shown = [result for result in results if everything or result.outcome != "passed"]
        if not shown and not everything:
            continue
        word = "not published" if each.word == "blocked" else "passed"
        lines.append(f"{each.dataset} {run.interval}: {word}, attempt {each.attempt}, {len(results)} rules")
        for result in shown:
            lines += result_lines(result)
    return "\n".join(lines)


def blocked(run: Run, found: Sequence[DatasetVerdict], commit: str = "") -> str:
    """Say why a run was not published, and what to type next."""
    lines = [f"{run.key}: BLOCKED by the audit{commit}; readers still see the previous publication"]
    lines.append(verdict(run, found, everything=False))
    lines.append(f"look:  calve audit show '{run.key}'")
    lines.append(f"rerun after the fix:  calve run {run.pipeline} --interval {run.interval}")
    return "\n".join(lines)


def fates(found: Iterable[DatasetVerdict]) -> str:
    """Say what became of every row that landed: one line per source, the counts add up."""
    rows = _fates(found)
    return columns(rows, ("source", "landed", "fates")) if rows else ""


def fates_of_runs(found: Iterable[tuple[RunState, Sequence[DatasetVerdict]]]) -> str:
    """Say the verdict of each run, and what became of what it landed; a run's sources follow each other."""
    rows: list[tuple[object, ...]] = []
    for state, verdicts in found:
        word = f"published {state.publication}" if state.publication else state.word or "no verdict"
        begin: tuple[object, ...] = (state.run.key, word)
        for line in _fates(verdicts) or [("-", 0, "nothing landed")]:
            rows.append((*begin, *line))
            begin = ("", "")
    return columns(rows, ("run", "verdict", "source", "landed", "fates"))


def _fates(found: Iterable[DatasetVerdict]) -> list[tuple[str, int, str]]:
    return [
        (
            source,
            sum(counts.values()),
            ", ".join(f"{n:,} {fate}" for fate, n in sorted(counts.items())) or "nothing landed",
        )
        for each in found
        for source, counts in sorted(each.fates.items())
    ]


def touched(found: Iterable[DatasetVerdict]) -> str:
    """Say how much of each table the run wrote, against the table's total."""
    rows = []
    for each in found:
        t = Counter({key: value for key, value in each.touched.items() if isinstance(value, int)})
        total = max(t["total-files-size"], 1)
        rows.append(
            (
                each.dataset,
                f"{t['added-records']:,} of {t['total-records']:,}",
                f"{t['added-data-files']:,} of {t['total-data-files']:,}",
                f"{t['added-files-size'] / 1024:,.0f} of {total / 1024:,.0f} KiB",
            )
        )
    return columns(rows, ("dataset", "rows written", "files", "bytes")) if rows else ""


def way(ways: Mapping[str, Way], run_key: str) -> str:
    """Say how a run was made, e.g. `reprocess:fct_payment`; a rollback made nothing."""
    return str(ways.get(run_key, "-"))


def publications(found: Iterable[Publication], ways: Mapping[str, Way]) -> str:
    """List publications, and how their runs were made."""
    rows = [
        (
            p.number,
            p.pipeline,
            p.interval,
            p.generation,
            p.kind,
            f"{p.published_at:%Y-%m-%d %H:%M:%S}",
            sum(table.row_count for table in p.tables if table.namespace == "curated"),
            f"{sum(table.staged for table in p.tables)} of {len(p.tables)}",
            way(ways, p.run_key),
        )
        for p in found
    ]
    head = ("no.", "pipeline", "interval", "gen", "kind", "published (UTC)", "rows", "tables changed", "made by")
    return columns(rows, head)
