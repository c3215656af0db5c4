"""Orders, lines and payments as the tables show them at the end of a day.

Every function takes whole lifecycles and two days, and returns what changed visibly on days in [since, until); the
state at `until` never depends on `since`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from calve.standin.source.accounts import ACCOUNT_ID_FROM
from calve.standin.source.clock import Ints
from calve.standin.source.columns import instants, integers, money
from calve.standin.source.draw import digests
from calve.standin.source.geography import FACILITIES
from calve.standin.source.orders import CHARGEBACK, Columns, Placed

_CURRENCIES = np.array([facility.currency for facility in FACILITIES])
_STATUS = np.array(["PENDING", "PAID", "REFUNDED", "PARTIAL", "CHARGEBACK"])
_PAYMENT_TYPE = np.array(["CHARGE", "REFUND", "CHARGEBACK"])
_CHARGE, _REFUND, _CHARGED_BACK = 0, 1, 2


def order_table(placed: Placed, since: int, until: int) -> pa.Table:
    """Return one row per order that changed, as it is at `until`."""
    orders = placed.orders
    paid, reversed_ = orders["paid_visible"] < until, orders["reversed_visible"] < until
    changed = _newest_before(until, orders["visible"], orders["paid_visible"], orders["reversed_visible"])
    rows = np.flatnonzero(changed >= since)
    updated = np.where(reversed_, orders["reversed_at"], np.where(paid, orders["paid_at"], orders["at"]))
    status = np.where(reversed_, 1 + orders["reversal"], paid.astype(np.int64))
    return pa.table(
        {
            "order_id": orders["order_id"][rows],
            "account_id": ACCOUNT_ID_FROM + orders["account"][rows],
            "facility_id": orders["facility"][rows] + 1,
            "ordered_at": instants(orders["at"][rows]),
            "status": _STATUS[status[rows]],
            "currency": _CURRENCIES[orders["facility"][rows]],
            "total_amount": money(orders["total"][rows]),
            "updated_at": instants(updated[rows]),
        }
    )


def line_table(placed: Placed, since: int, until: int) -> pa.Table:
    """Return one row per line that changed and is still there, as it is at `until`."""
    lines, orders = placed.lines, placed.orders
    created = orders["visible"][lines["order"]]
    deleted = lines["soft_visible"] < until
    changed = _newest_before(until, created, lines["soft_visible"])
    rows = np.flatnonzero((changed >= since) & (lines["hard_visible"] >= until))
    order = lines["order"][rows]
    at = orders["at"][order]
    return pa.table(
        {
            "order_id": orders["order_id"][order],
            "line_no": lines["line_no"][rows],
            "product_id": lines["product"][rows] + 1,
            "title_id": integers(lines["title"][rows], lines["title"][rows] == 0),
            "ordered_at": instants(at),
            "qty": lines["qty"][rows],
            "unit_price": money(lines["unit"][rows]),
            "discount": money(lines["discount"][rows]),
            "tax": money(lines["tax"][rows]),
            "net_amount": money(lines["net"][rows]),
            "updated_at": instants(np.where(deleted[rows], lines["soft_at"][rows], at)),
            "is_deleted": pa.array(deleted[rows]),
        }
    )


def gone_lines(placed: Placed, since: int, until: int) -> list[tuple[int, int]]:
    """Return the keys of lines that were hard-deleted on days in [since, until) and had been there at `since`."""
    lines, orders = placed.lines, placed.orders
    created = orders["visible"][lines["order"]]
    gone = (lines["hard_visible"] >= since) & (lines["hard_visible"] < until) & (created < since)
    keys = zip(orders["order_id"][lines["order"][gone]], lines["line_no"][gone], strict=True)
    return [(int(order_id), int(line_no)) for order_id, line_no in keys]


def payments(placed: Placed) -> Columns:
    """Return every payment that these orders will ever cause: one row per payment."""
    orders = placed.orders
    refund = np.where(orders["reversal"] == CHARGEBACK, _CHARGED_BACK, _REFUND)
    pairs = {
        "payment_id": (orders["order_id"] * 10 + 1, orders["order_id"] * 10 + 2),
        "order_id": (orders["order_id"], orders["order_id"]),
        "facility": (orders["facility"], orders["facility"]),
        "type": (np.full_like(refund, _CHARGE), refund),
        "cents": (orders["total"], orders["reversed_cents"]),
        "settled_at": (orders["paid_at"], orders["reversed_at"]),
        "created_at": (orders["charge_at"], orders["refund_at"]),
        "visible": (orders["charge_visible"], orders["refund_visible"]),
    }
    return {name: np.concatenate(pair) for name, pair in pairs.items()}


def payment_table(seed: int, paid: Columns, since: int, until: int) -> pa.Table:
    """Return one row per payment that became visible on days in [since, until)."""
    rows = np.flatnonzero((paid["visible"] >= since) & (paid["visible"] < until))
    rows = rows[np.argsort(paid["payment_id"][rows], kind="stable")]
    references = digests(seed, paid["payment_id"][rows], "processor").tolist()
    return pa.table(
        {
            "payment_id": paid["payment_id"][rows],
            "order_id": paid["order_id"][rows],
            "type": _PAYMENT_TYPE[paid["type"][rows]],
            "amount": money(paid["cents"][rows]),
            "settled_at": instants(paid["settled_at"][rows]),
            "processor_ref": pa.array([f"CANARY{digest:016x}" for digest in references], pa.string()),
            "created_at": instants(paid["created_at"][rows]),
        }
    )


def _newest_before(until: int, *visible: Ints) -> Ints:
    """Return the newest of the days before `until`, or -1 where none is."""
    newest: Ints = np.max([np.where(days < until, days, -1) for days in visible], axis=0)
    return newest
