"""Categories and products, and how they change: fixed by the day, the same for every seed and scale.

A product's price moves by two percent at most, so that a distribution check sees a stable product.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from calve.standin.source.clock import DAY_MS, HOUR_MS, NEVER, SECOND_MS, Ints, day_date, instant
from calve.standin.source.draw import Floats

Row = tuple[Any, ...]

CATEGORIES = (
    (1, None, "MEDIA", 1),
    (2, None, "COMMUNICATION", 1),
    (3, None, "SUBSCRIPTION", 1),
    (4, None, "DEVICE", 1),
    (5, 1, "MOVIES", 2),
    (6, 1, "MUSIC", 2),
    (7, 1, "GAMES", 2),
    (8, 1, "BOOKS", 2),
    (9, 2, "VIDEO_VISIT", 2),
    (10, 2, "VOICE", 2),
    (11, 2, "MESSAGING", 2),
)
# category_id, sku prefix, product type, name, products, cents of the cheapest, cents per step, share in thousandths
_RANGES = (
    (5, "MOV", "MEDIA", "Movie Pass", 30, 199, 30, 190),
    (6, "MUS", "MEDIA", "Music Album", 30, 99, 25, 150),
    (7, "GAM", "MEDIA", "Game", 22, 149, 50, 110),
    (8, "BOO", "MEDIA", "Book", 26, 249, 35, 100),
    (9, "VIS", "VISIT", "Video Visit", 12, 250, 60, 190),
    (10, "VOI", "VISIT", "Voice Minutes", 8, 100, 75, 90),
    (11, "MSG", "MESSAGING", "Message Bundle", 8, 25, 20, 110),
    (3, "SUB", "SUBSCRIPTION", "Subscription", 8, 499, 250, 45),
    (4, "DEV", "DEVICE", "Device", 6, 1999, 2500, 15),
)
MAX_QTY = {"MEDIA": 2, "VISIT": 1, "SUBSCRIPTION": 1, "DEVICE": 1, "MESSAGING": 6}
_GRADES = ("Basic", "Plus", "Family", "Premium")
_ANNOUNCED_DAYS = 5
_PRICE_CYCLE_DAYS = 260


class Assortment:
    """All products that ever exist, as arrays by product_id - 1."""

    def __init__(self) -> None:
        spans = [(entry, place) for entry in _RANGES for place in range(entry[4])]
        self.ids: Ints = np.arange(1, len(spans) + 1)
        self.skus = [f"{entry[1]}-{place + 1:03d}" for entry, place in spans]
        self.names = [f"{entry[3]} {place + 1:02d}" for entry, place in spans]
        self.kinds = [entry[2] for entry, _ in spans]
        self.category_ids = [entry[0] for entry, _ in spans]
        self.max_qty: Ints = np.array([MAX_QTY[kind] for kind in self.kinds])
        self.is_media = np.array([kind == "MEDIA" for kind in self.kinds])
        self._base: Ints = np.array([entry[5] + entry[6] * place for entry, place in spans])
        # Popularity falls off within a category; the sum of a category's shares is its own.
        falling = [sum(1 / (k + 3) for k in range(entry[4])) for entry, _ in spans]
        weights = zip(spans, falling, strict=True)
        self._shares: Floats = np.array([entry[7] / (place + 3) / total for (entry, place), total in weights])
        self.active_from: Ints = np.where(np.isin(self.ids % 19, [7]), (self.ids * 7) % 700, -1_000)
        self.active_to: Ints = np.where(np.isin(self.ids % 23, [5]), 120 + self.ids * 3, NEVER)

    def shares_on(self, day: int) -> Floats:
        """Return each product's share of the day's lines; 0 where it isn't sold the whole UTC day, in any zone."""
        sold = (self.active_from < day) & (day < self.active_to - 1)
        return np.where(sold, self._shares, 0.0)

    def cents_on(self, day: int) -> Ints:
        """Return each product's list price on a day, in cents."""
        raised = self._price_changes(day) % 2 == 1
        prices: Ints = np.where(raised, (self._base * 102 + 50) // 100, self._base)
        return prices

    def changed_on(self, until: int) -> Ints:
        """Return the last day before `until` on which each product's row changed; -1 if it is not there."""
        entered = np.maximum(0, self.active_from - _ANNOUNCED_DAYS)
        last = until - 1
        first = self.ids * 5
        periods = (last - first) // _PRICE_CYCLE_DAYS
        priced = np.where(last >= first, first + periods * _PRICE_CYCLE_DAYS, -1)
        ending = np.where(self._ending(last), self.active_to - _ANNOUNCED_DAYS, -1)
        newest: Ints = np.maximum(np.maximum(entered, priced), ending)
        return np.where(entered <= last, newest, -1)

    def rows(self, since: int, until: int) -> list[Row]:
        """Return the products that changed on days in [since, until), as they are at `until`."""
        changed, prices, ending = self.changed_on(until), self.cents_on(until - 1), self._ending(until - 1)
        rows: list[Row] = []
        for i in np.flatnonzero((changed >= since) & (changed >= 0)):
            day = int(changed[i])
            rows.append(
                (
                    int(self.ids[i]),
                    self.skus[i],
                    f"{self.names[i]} {_GRADES[int(self.ids[i]) % len(_GRADES)]}",
                    self.category_ids[i],
                    self.kinds[i],
                    f"{prices[i] / 100:.2f}",
                    "USD",
                    day_date(int(self.active_from[i])),
                    day_date(int(self.active_to[i])) if ending[i] else None,
                    instant(day * DAY_MS + 7 * HOUR_MS if day else int(self.ids[i]) * SECOND_MS),
                )
            )
        return rows

    def _price_changes(self, day: int) -> Ints:
        first = self.ids * 5
        count: Ints = np.where(day >= first, (day - first) // _PRICE_CYCLE_DAYS + 1, 0)
        return count

    def _ending(self, day: int) -> Any:
        """Tell for each product whether its end is announced by a day."""
        return self.active_to - _ANNOUNCED_DAYS <= day


@lru_cache(maxsize=1)
def assortment() -> Assortment:
    """Return the one assortment."""
    return Assortment()


def category_rows(since: int, until: int) -> list[Row]:
    """Return the categories, which are entered on the first day and never change."""
    if not since <= 0 < until:
        return []
    return [(*category, instant(category[0] * SECOND_MS)) for category in CATEGORIES]
