"""One day's orders and everything that will ever happen to them: a pure function of (seed, scale, day).

Times are milliseconds since HISTORY_START, money is cents. `visible` is the day from whose end on the table shows a
change. A change follows the previous one of the same order by at least a day once that one committed late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calve.standin.source.accounts import LATE_SHARE, LATE_WINDOW_MS, Accounts
from calve.standin.source.assortment import assortment
from calve.standin.source.clock import DAY_MS, NEVER, SECOND_MS, Ints, day_date, offset_ms
from calve.standin.source.draw import Floats, draws, pick, spread
from calve.standin.source.geography import FACILITIES

ORDERS_PER_DAY = 10_000_000
"""Order ids of a day are its number + 1 times this, plus the order's number on that day."""
MUTABLE_DAYS = 90
_ORDERS_AT_SCALE_1 = 298.0
_YEARLY_GROWTH, _SEASON = 0.12, 0.06
_WEEKDAYS = (0.94, 0.91, 0.95, 1.0, 1.09, 1.14, 0.97)
_HOURS = np.array([1, 1, 0, 0, 0, 0, 1, 2, 4, 6, 7, 7, 8, 7, 6, 6, 7, 8, 10, 12, 12, 9, 5, 2], dtype=np.float64)
_LINES = np.array([0.55, 0.25, 0.13, 0.07])
_WEIGHTS = np.array([facility.weight for facility in FACILITIES], dtype=np.float64)
_TAX_BP = np.array([facility.tax_bp for facility in FACILITIES])
_PRICE_PERCENT = np.array([facility.price_percent for facility in FACILITIES])
_SINGLE_PIECE_SHARE, _DISCOUNTED_SHARE = 0.7, 0.1
_PAID_AT_ONCE, _PAID_EVER = 0.97, 0.997
_LATE_CHARGES, _LATE_REFUNDS = 0.02, 0.05
_SOFT_DELETED, _HARD_DELETED, _DELETED_SOON = 0.012, 0.0015, 0.92
REFUNDED, PARTIAL, CHARGEBACK = 1, 2, 3
_REVERSALS = np.array([0.95, 0.03, 0.015, 0.005])

Columns = dict[str, Ints]


@dataclass(frozen=True)
class Placed:
    """Orders of one day or of several: their columns, and those of their lines (`order` is the order's position)."""

    orders: Columns
    lines: Columns


def place(seed: int, scale: float, day: int, accounts: Accounts) -> Placed:
    """Return the orders created on a day with their whole lifecycles."""
    orders = _created(seed, scale, day, accounts)
    lines = _lines(seed, day, orders)
    orders["total"] = np.bincount(
        lines["order"], lines["net"] + lines["tax"], minlength=len(orders["order_id"])
    ).astype(np.int64)
    orders.update(_paid(seed, day, orders))
    orders.update(_reversed(seed, day, orders))
    lines.update(_deleted(seed, day, orders, lines))
    return Placed(orders, lines)


def together(days: list[Placed]) -> Placed:
    """Return the orders of several days as one."""
    if not days:
        return Placed({}, {})
    starts = np.cumsum([0] + [len(day.orders["order_id"]) for day in days])
    orders = {name: np.concatenate([day.orders[name] for day in days]) for name in days[0].orders}
    lines = {name: np.concatenate([day.lines[name] for day in days]) for name in days[0].lines}
    lines["order"] = np.concatenate([day.lines["order"] + start for day, start in zip(days, starts, strict=False)])
    return Placed(orders, lines)


def _volume(seed: int, scale: float, day: int) -> Floats:
    """Return the expected orders per facility: smooth, so that no volume rule ever fires on a clean day."""
    season = 1 + _SEASON * math.cos(2 * math.pi * (day - 350) / 365)
    growth = 0.94 + _YEARLY_GROWTH * day / 365
    chance = draws(seed, day, "volume").random(len(FACILITIES) + 1)
    level = _ORDERS_AT_SCALE_1 * scale * season * growth * _WEEKDAYS[day_date(day).weekday()]
    level *= 1 + 0.03 * (2 * chance[-1] - 1)
    activity = np.array([facility.activity(day) for facility in FACILITIES])
    expected: Floats = level * _WEIGHTS / _WEIGHTS.sum() * (1 + 0.05 * (2 * chance[:-1] - 1)) * activity
    return expected


def _created(seed: int, scale: float, day: int, accounts: Accounts) -> Columns:
    rng = draws(seed, day, "orders")
    # One draw rounds all facilities, so that the day's total is rounded once only.
    counts = np.diff(np.floor(np.cumsum(_volume(seed, scale, day)) + rng.random()), prepend=0).astype(np.int64)
    facility = np.repeat(np.arange(len(FACILITIES)), counts)
    n = len(facility)
    at = day * DAY_MS + _time_of_day(day, facility, spread(rng, n))
    late = rng.random(n) < LATE_SHARE
    at = np.where(late, _before_midnight(day, rng.random(n)), at)
    order = np.argsort(at, kind="stable")
    facility, at, late = facility[order], at[order], late[order]
    return {
        "order_id": (day + 1) * ORDERS_PER_DAY + np.arange(n),
        "facility": facility,
        "account": accounts.choose(day, facility, rng.random(n)),
        "at": at,
        "visible": day + late,
    }


def _time_of_day(day: int, facility: Ints, even: Floats) -> Ints:
    hours = pick(_HOURS, even)
    bounds = np.concatenate([[0.0], np.cumsum(_HOURS / _HOURS.sum())])
    share = np.clip((even - bounds[hours]) / np.maximum(bounds[hours + 1] - bounds[hours], 1e-9), 0, 0.999)
    local = ((hours + share) * 3_600_000).astype(np.int64)
    noon = np.array([day * DAY_MS + DAY_MS // 2])
    ahead = np.array([offset_ms(place.timezone, noon)[0] for place in FACILITIES])
    utc: Ints = (local - ahead[facility]) % DAY_MS
    return utc


def _before_midnight(day: Ints | int, within: Floats) -> Ints:
    instants: Ints = (day + 1) * DAY_MS - 1 - (within * LATE_WINDOW_MS).astype(np.int64)
    return instants


def _lines(seed: int, day: int, orders: Columns) -> Columns:
    rng = draws(seed, day, "lines")
    n = len(orders["order_id"])
    sizes = pick(_LINES, spread(rng, n)) + 1
    order = np.repeat(np.arange(n), sizes)
    m = len(order)
    goods = assortment()
    product = pick(goods.shares_on(day), spread(rng, m))
    facility = orders["facility"][order]
    # Most carts hold one piece of a product; the rest up to what its kind allows.
    single, more = rng.random(m) < _SINGLE_PIECE_SHARE, np.floor(rng.random(m) * goods.max_qty[product])
    pieces = np.where(single, 1, 1 + more.astype(np.int64))
    unit = (goods.cents_on(day)[product] * _PRICE_PERCENT[facility] + 50) // 100
    discount = np.where(rng.random(m) < _DISCOUNTED_SHARE, pieces * unit * 10 // 100, 0)
    net = pieces * unit - discount
    return {
        "order": order,
        "line_no": np.arange(m) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1,
        "product": product,
        "title": np.where(goods.is_media[product], 1 + np.floor(rng.random(m) * 2_000), 0).astype(np.int64),
        "qty": pieces,
        "unit": unit,
        "discount": discount,
        "net": net,
        "tax": (net * _TAX_BP[facility] + 5_000) // 10_000,
    }


def _paid(seed: int, day: int, orders: Columns) -> Columns:
    """Add when the order was paid (`paid_at`, `paid_visible`) and when its CHARGE became known."""
    rng = draws(seed, day, "paid")
    n = len(orders["order_id"])
    chance, wait, time, known, delay = (rng.random(n) for _ in range(5))
    at_once = chance < _PAID_AT_ONCE
    days = day + np.floor(wait * 4).astype(np.int64)
    days = np.maximum(days, orders["visible"])
    earliest = np.maximum(days * DAY_MS, orders["at"] + SECOND_MS)
    later = np.minimum(earliest + (time * ((days + 1) * DAY_MS - earliest)).astype(np.int64), (days + 1) * DAY_MS - 1)
    later, later_visible = _committed(days, later, rng)
    never = chance >= _PAID_EVER
    paid_at = np.where(never, NEVER * DAY_MS, np.where(at_once, orders["at"], later))
    visible = np.where(never, NEVER, np.where(at_once, orders["visible"], later_visible))
    charge_at, charge_visible = _became_known(paid_at, visible, known < _LATE_CHARGES, delay)
    return {
        "paid_at": paid_at,
        "paid_visible": visible,
        "charge_at": charge_at,
        "charge_visible": charge_visible,
    }


def _reversed(seed: int, day: int, orders: Columns) -> Columns:
    """Add what took the order's money back (`reversal`), when, how much, and when that payment became known."""
    rng = draws(seed, day, "reversed")
    n = len(orders["order_id"])
    kind, wait, time, known, delay = (rng.random(n) for _ in range(5))
    reversal = np.where(orders["paid_visible"] < NEVER, pick(_REVERSALS, kind), 0)
    lag = np.where(reversal == CHARGEBACK, 15 + np.floor(75 * wait), 1 + np.floor((MUTABLE_DAYS - 2) * wait * wait))
    days = np.maximum(day + lag.astype(np.int64), orders["paid_visible"] + 1)
    days = np.where(reversal > 0, days, NEVER)
    at, visible = _committed(days, days * DAY_MS + (time * DAY_MS).astype(np.int64), rng)
    visible = np.where(reversal > 0, visible, NEVER)
    refund_at, refund_visible = _became_known(at, visible, known < _LATE_REFUNDS, delay)
    part = np.maximum(1, orders["total"] * 40 // 100)
    return {
        "reversal": reversal,
        "reversed_at": at,
        "reversed_visible": visible,
        "reversed_cents": np.where(reversal == PARTIAL, part, orders["total"]),
        "refund_at": refund_at,
        "refund_visible": refund_visible,
    }


def _deleted(seed: int, day: int, orders: Columns, lines: Columns) -> Columns:
    """Add when the line was deleted, softly (`is_deleted`, mostly within 10 days) or for good (within 30 days)."""
    rng = draws(seed, day, "deleted")
    m = len(lines["order"])
    chance, near, wait, time = (rng.random(m) for _ in range(4))
    soft = chance < _SOFT_DELETED
    hard = ~soft & (chance < _SOFT_DELETED + _HARD_DELETED)
    lag = np.where(near < _DELETED_SOON, 1 + np.floor(wait * 9), 10 + np.floor(wait * 19))
    lag = np.where(hard, 1 + np.floor(wait * 28), lag).astype(np.int64)
    days = np.maximum(day + lag, orders["visible"][lines["order"]] + 1)
    at, visible = _committed(days, days * DAY_MS + (time * DAY_MS).astype(np.int64), rng)
    return {
        "soft_at": at,
        "soft_visible": np.where(soft, visible, NEVER),
        "hard_visible": np.where(hard, visible, NEVER),
        "hard_at": at,
    }


def _committed(days: Ints, at: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Let a few changes commit late: written up to 30 minutes before midnight, visible only the day after."""
    late = rng.random(len(days)) < LATE_SHARE
    return np.where(late, _before_midnight(days, rng.random(len(days))), at), days + late


def _became_known(settled: Ints, visible: Ints, late: NDArray[np.bool_], delay: Floats) -> tuple[Ints, Ints]:
    """Return when a payment's row was created and became visible: with its order's change, or up to 5 days later."""
    created = settled + ((1 + delay * (5 * 24 - 2)) * 3_600_000).astype(np.int64)
    happens = visible < NEVER
    delayed = late & happens
    return np.where(delayed, created, settled), np.where(delayed, np.maximum(created // DAY_MS, visible), visible)
