"""The parts that the page is made of: sections hold blocks; a block is a finding, its chart and its table.

Never holds markup: the template writes it, and escapes every word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]
Legend = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table in words that are ready to be shown.

    Attributes:
        heads: Name of each column; one that begins with `#` holds numbers.
        total: Last row, the sums of the others; empty when nothing is to be summed.
        title: What it lists; a long table is folded behind it.
        is_folded: Folded until a reader opens it.
        marks: Column whose words name an outcome and are shown as its mark; None for none.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    is_folded: bool = False
    marks: int | None = None


@dataclass(frozen=True)
class Block:
    """A finding and what shows it.

    Attributes:
        name: Unique in the page; part of the chart's element id.
        finding: A sentence that says what is to be seen; also the chart's text for those who can't see it.
        words: What is to be known beside it.
        source: How far the numbers are verified, and where they come from.
        chart: A Vega-Lite specification whose colours are names of the page's own, e.g. `@net`.
        is_wide: Takes the page's whole width.
        legend: What the chart's colours mean: name of the colour without `@`, and the words.
    """

    name: str
    finding: str
    words: str = ""
    source: str = ""
    chart: Spec | None = None
    table: Table | None = None
    is_wide: bool = False
    legend: Legend = ()


@dataclass(frozen=True)
class Card:
    """One number at the head of the page."""

    label: str
    number: str
    words: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Section:
    """A heading and its blocks; `empty` is said when there are none."""

    name: str
    title: str
    words: str
    blocks: tuple[Block, ...]
    empty: str
