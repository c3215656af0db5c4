"""What the source's tables gain between two days: the one place that knows every table.

The state at a day never depends on the steps that led there: a row is what all changes visible before `until` made of
it, and `since` only leaves out the rows that had that form already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from calve.standin.source.accounts import Accounts
from calve.standin.source.assortment import assortment, category_rows
from calve.standin.source.geography import facility_rows, region_rows
from calve.standin.source.orders import Placed, place, together
from calve.standin.source.sales import gone_lines, line_table, order_table, payment_table, payments
from calve.standin.source.sealing import control_totals

REMEMBERED_DAYS = 110
"""Nothing happens to an order, its lines, its payments or their control totals after so many days."""


Rows: TypeAlias = pa.Table | list[tuple[Any, ...]]


@dataclass(frozen=True)
class Changes:
    """Rows to write per table, and keys of lines to remove."""

    rows: dict[str, Rows]
    gone_lines: list[tuple[int, int]]


class World:
    """Everything that follows from a seed and a scale, up to a day."""

    def __init__(self, seed: int, scale: float, until: int) -> None:
        self.seed = seed
        self.scale = scale
        self.until = until
        self.accounts = Accounts(seed, scale, until)

    def placed(self, days: Iterable[int]) -> Placed:
        """Return the orders created on these days."""
        return together([place(self.seed, self.scale, day, self.accounts) for day in days])

    def changes(self, since: int, until: int) -> Changes:
        """Return what changed visibly on days in [since, until), as it is at `until`."""
        placed = self.placed(range(max(0, since - REMEMBERED_DAYS), until))
        paid = payments(placed)
        rows: dict[str, Rows] = {
            "region": region_rows(since, until),
            "facility": facility_rows(since, until),
            "category": category_rows(since, until),
            "product": assortment().rows(since, until),
            "account": self.accounts.table(since, until),
            "sales_order": order_table(placed, since, until),
            "sales_order_line": line_table(placed, since, until),
            "payment": payment_table(self.seed, paid, since, until),
            "control_total": control_totals(placed, paid, since, until),
        }
        return Changes(rows, gone_lines(placed, since, until))
