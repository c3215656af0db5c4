"""Blocks of revenue come once per currency, and say how far their rows are verified and where they come from.

Never sums across currencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from calve.report import formats
from calve.report.blocks import Block, Legend, Spec, Table
from calve.report.figures import Figures, Row, Rows, by_currency

DATASET = "agg_facility_product_day"
NOTHING = "No revenue is served yet: the views appear when the pipeline is first published."
ZERO = Decimal(0)


@dataclass(frozen=True)
class Shown:
    """What a block shows of one currency."""

    finding: str
    words: str
    chart: Spec | None
    table: Table
    legend: Legend = ()


def per_currency(name: str, figures: Figures, rows: Rows, shown: Callable[[str, Rows], Shown]) -> Iterator[Block]:
    """Return a block for each currency of the rows, in the order of their names."""
    for currency, some in by_currency(rows).items():
        what = shown(currency, some)
        source = source_of(figures, some)
        yield Block(
            f"{name}-{currency.lower()}", what.finding, what.words, source, what.chart, what.table, legend=what.legend
        )


def source_of(figures: Figures, rows: Rows) -> str:
    """Say how far rows of revenue are verified, and which publication they come from."""
    verified = next((row["verified_through"] for row in rows if row["verified_through"]), None)
    trust = f"Verified through {formats.day(verified)}" if verified else "Not verified yet"
    served = figures.served(DATASET)
    if served is None:
        return trust
    return f"{trust} · publication {served['publication']}, run {served['run_key']}"


def against(row: Row, kind: str) -> str:
    """Say how a period compares with the one before and the one a year before."""
    parts = [
        f"{formats.against(row[column])} {words}"
        for column, words in (
            ("previous_change_percent", f"the {kind} before"),
            ("year_ago_change_percent", "the year before"),
        )
        if row[column] is not None
    ]
    return formats.listed(parts) or "with nothing to compare it with yet"


def summed(rows: Rows, column: str) -> Decimal:
    """Return the sum of a column of rows of one currency."""
    return sum((row[column] or ZERO for row in rows), ZERO)
