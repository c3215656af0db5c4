"""Control totals: what the source itself says each business date held, sealed and restated.

A business date D is sealed at the end of UTC day D+1, when it is over for every facility; sealed again as closed at
the end of D+3; and sealed once more at the end of any later day that changed it. The newest version always agrees
with the tables at its seal. `checksum` is the sum of the live rows' keys (order_id * 100 + line_no, or payment_id)
modulo 2^64; `max_updated_at` is the newest change that touched the date, deletes included.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from calve.standin.source.clock import DAY_MS, NEVER, SECOND_MS, Ints, local_day
from calve.standin.source.columns import dates, instants, integers, money
from calve.standin.source.geography import FACILITIES
from calve.standin.source.orders import Columns, Placed

LINES, PAYMENTS = 0, 1
TABLES = np.array(["sales_order_line", "payment"])
SEALED_AFTER, CLOSED_AFTER = 1, 3
REOPENED_DAYS = (36, 9)
"""How long after its date a line or a payment may still change it, with a margin."""
_SEAL_MS = DAY_MS - 60 * SECOND_MS
_FIRST_DATE = -1
"""The first orders are placed while it is still the day before in the west."""


def control_totals(placed: Placed, paid: Columns, since: int, until: int) -> pa.Table:
    """Return one row per version sealed on days in [since, until). Needs every order that can still change a date."""
    changes = _joined(_line_changes(placed), _payment_changes(paid))
    from_date = np.array(REOPENED_DAYS)[changes["table"]]
    kept = (changes["visible"] < until) & (changes["date"] >= since - from_date)
    changes = {name: column[kept] for name, column in changes.items()}
    return _table(_sealed(_joined(changes, _seals(changes, since, until))), since, until)


def _line_changes(placed: Placed) -> Columns:
    """Return a plus for every line that appears and a minus for every one that is deleted."""
    orders, lines = placed.orders, placed.lines
    order = lines["order"]
    facility, date = orders["facility"][order], _local_dates(orders["facility"], orders["at"])[order]
    gone = np.minimum(lines["soft_visible"], lines["hard_visible"])
    gone_at = np.where(lines["soft_visible"] < NEVER, lines["soft_at"], lines["hard_at"])
    minus = gone < NEVER
    key = orders["order_id"][order] * 100 + lines["line_no"]
    return {
        "table": np.full(len(order) + minus.sum(), LINES),
        "date": np.concatenate([date, date[minus]]),
        "facility": np.concatenate([facility, facility[minus]]),
        "visible": np.concatenate([orders["visible"][order], gone[minus]]),
        "count": np.concatenate([np.ones_like(order), -np.ones_like(order[minus])]),
        "cents": np.concatenate([lines["net"], -lines["net"][minus]]),
        "key": np.concatenate([key, -key[minus]]),
        "at": np.concatenate([orders["at"][order], gone_at[minus]]),
    }


def _payment_changes(paid: Columns) -> Columns:
    there = paid["visible"] < NEVER
    facility = paid["facility"][there]
    return {
        "table": np.full(len(facility), PAYMENTS),
        "date": _local_dates(facility, paid["settled_at"][there]),
        "facility": facility,
        "visible": paid["visible"][there],
        "count": np.ones_like(facility),
        "cents": paid["cents"][there],
        "key": paid["payment_id"][there],
        "at": paid["created_at"][there],
    }


def _local_dates(facility: Ints, at: Ints) -> Ints:
    found = np.empty_like(at)
    for i, place in enumerate(FACILITIES):
        mine = facility == i
        found[mine] = local_day(place.timezone, at[mine])
    return found


def _seals(changes: Columns, since: int, until: int) -> Columns:
    """Return when which date of which facility is sealed although nothing changed it: rows that add nothing."""
    longest = max(REOPENED_DAYS)
    first = max(_FIRST_DATE, since - longest)
    dates_ = np.arange(first, until)
    open_on = np.array([[place.trades_on(int(date)) for place in FACILITIES] for date in dates_], dtype=bool)
    place_of, facility = np.nonzero(open_on.reshape(len(dates_), len(FACILITIES)))
    wanted = [np.stack([np.full_like(place_of, table), dates_[place_of], facility]) for table in (LINES, PAYMENTS)]
    touched = np.stack([changes["table"], changes["date"], changes["facility"]])
    keys = np.unique(np.concatenate([*wanted, touched], axis=1), axis=1)
    keys = keys[:, keys[1] >= since - np.array(REOPENED_DAYS)[keys[0]]]
    twice = np.concatenate([keys, keys], axis=1)
    after = np.repeat([SEALED_AFTER, CLOSED_AFTER], keys.shape[1])
    nothing = np.zeros(twice.shape[1], dtype=np.int64)
    seals = {"table": twice[0], "date": twice[1], "facility": twice[2], "visible": twice[1] + after}
    seals |= {"count": nothing, "cents": nothing, "key": nothing, "at": np.full_like(nothing, -1)}
    due = seals["visible"] < until
    return {name: column[due] for name, column in seals.items()}


def _joined(first: Columns, second: Columns) -> Columns:
    return {name: np.concatenate([first[name], second[name]]).astype(np.int64) for name in first}


def _sealed(changes: Columns) -> Columns:
    """Return each group's running totals at each of its seals, numbered from 1."""
    group = (changes["table"] * (1 << 20) + changes["date"] + 1) * len(FACILITIES) + changes["facility"]
    # What appears before the first seal counts at it.
    day = np.maximum(changes["visible"], changes["date"] + SEALED_AFTER)
    order = np.lexsort((day, group))
    group, day = group[order], day[order]
    starts = np.r_[True, group[1:] != group[:-1]] if len(group) else np.zeros(0, dtype=bool)
    last = np.r_[starts[1:] | (day[1:] != day[:-1]), True] if len(group) else starts
    total = {name: _running(changes[name][order], starts) for name in ("count", "cents", "key")}
    rows = _running(np.abs(changes["count"][order]), starts)
    newest = _running_max(changes["at"][order], starts)
    kept = last & ((rows > 0) | _open(changes, order))
    version = _running(kept.astype(np.int64), starts)
    columns = {name: changes[name][order] for name in ("table", "date", "facility")}
    columns |= {"day": day, "version": version, "at": newest, **total}
    return {name: column[kept] for name, column in columns.items()}


def _open(changes: Columns, order: Ints) -> NDArray[np.bool_]:
    opened = np.array([place.opened for place in FACILITIES])[changes["facility"][order]]
    closed = np.array([place.closed for place in FACILITIES])[changes["facility"][order]]
    date = changes["date"][order]
    is_open: NDArray[np.bool_] = (opened <= date) & (date < closed)
    return is_open


def _running(values: Ints, starts: NDArray[np.bool_]) -> Ints:
    """Return running sums that begin anew at each start; 64-bit wrap-around cancels out."""
    if not len(values):
        return values
    total = np.cumsum(values)
    before = (total - values)[starts]
    running: Ints = total - before[np.cumsum(starts) - 1]
    return running


def _running_max(values: Ints, starts: NDArray[np.bool_]) -> Ints:
    """Return running maxima that begin anew at each start."""
    lift = np.cumsum(starts) * (1 << 40)
    highest: Ints = np.maximum.accumulate(values + lift) - lift
    return highest


def _table(sealed: Columns, since: int, until: int) -> pa.Table:
    rows = np.flatnonzero((sealed["day"] >= since) & (sealed["day"] < until))
    row = {name: column[rows] for name, column in sealed.items()}
    return pa.table(
        {
            "business_date": dates(row["date"]),
            "facility_id": integers(row["facility"] + 1),
            "table_name": TABLES[row["table"]],
            "version": row["version"],
            "row_count": row["count"],
            "sum_amount": money(row["cents"]),
            "max_updated_at": instants(row["at"], row["at"] < 0),
            "checksum": pa.array([f"{key:016x}" for key in row["key"].view(np.uint64).tolist()], pa.string()),
            "is_closed": pa.array(row["day"] >= row["date"] + CLOSED_AFTER),
            "sealed_at": instants(row["day"] * DAY_MS + _SEAL_MS + row["facility"] * SECOND_MS),
        }
    )
