"""Write comparisons as one table in Markdown, with the machine that they hold for. Judges nothing."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from statistics import median

import psutil  # type: ignore[import-untyped]

from bench.measure import Comparison

_HEAD = ("what", "calve", "peer", "ratio", "ratio in pairs", "aim", "")


def table(found: Sequence[Comparison]) -> str:
    """Return one line per comparison."""
    lines = [_HEAD, tuple("-" for _ in _HEAD), *map(_cells, found)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def machine() -> str:
    """Return what the figures depend on besides the code."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def _cells(each: Comparison) -> tuple[str, ...]:
    verdict = "" if each.aim is None else "met" if each.is_met else "**MISSED**"
    paired = "" if each.paired is None else _ratio(each.paired)
    aim = each.aim.wanted if each.aim else ""
    return (
        each.what,
        _amounts(each.ours, each.unit),
        _amounts(each.peer, each.unit),
        _ratio(each.ratio),
        paired,
        aim,
        verdict,
    )


def _amounts(values: Sequence[float], unit: str) -> str:
    middle = _amount(median(values), unit)
    if min(values) == max(values):
        return middle
    return f"{middle} ({_amount(min(values), unit)}..{_amount(max(values), unit)})"


def _amount(value: float, unit: str) -> str:
    if not unit:
        return f"{value:,.0f}"
    return f"{value:.{3 if value < 1 else 2 if value < 100 else 0}f} {unit}"


def _ratio(ratio: float) -> str:
    """Say small ratios as parts of one: 1/17 is easier than 0.059."""
    return f"{ratio:.3f}" if ratio >= 0.5 else f"1/{1 / ratio:.1f}" if ratio else "0"
