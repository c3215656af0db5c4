"""Accounts: who buys where, and the personal data that must never leave the source.

Each account is a function of (seed, scale, its number). Every restricted value is a canary: it carries the token
CANARY and a digest of its own, so that a scanner finds it wherever it leaks. No clean order refers to an account
that is erased, or not there yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from calve.standin.source.clock import DAY_MS, MINUTE_MS, NEVER, SECOND_MS, Ints
from calve.standin.source.columns import dates, instants
from calve.standin.source.draw import digests, pick, shares
from calve.standin.source.geography import FACILITIES

ACCOUNT_ID_FROM = 7_000_000_000
"""Account ids start here and nothing else does, so that a leaked one is recognised."""
_AT_START, _PER_DAY = 8_000, 10
_RESIDENT_SHARE, _ERASED_SHARE, _EDITED_SHARE = 0.45, 0.04, 0.25
_ALWAYS_ERASED = len(FACILITIES)
_ALWAYS_ERASED_ON = 20
_BIRTHS_FROM_DAYS, _BIRTHS_DAYS = -45_290, 6_939
"""1901-01-01 in days before HISTORY_START, and the days up to 1919-12-31."""
_FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hugo", "Ivy", "Jon", "Kim", "Lea", "Max", "Nia")
LATE_SHARE = 0.002
LATE_WINDOW_MS = 30 * MINUTE_MS


@dataclass(frozen=True)
class Change:
    """One change of each account. `visible` is the day from whose end on the table shows it; NEVER if it never does."""

    at: Ints
    visible: Ints


class Accounts:
    """All accounts created on days before `until`, as arrays by account number."""

    def __init__(self, seed: int, scale: float, until: int) -> None:
        self.seed = seed
        first_days = np.array([_count(scale, day) for day in range(until)])
        self.numbers: Ints = np.arange(first_days[-1] if until > 0 else 0)
        self.created_day: Ints = np.searchsorted(first_days, self.numbers, side="right")
        weights = np.array([facility.weight for facility in FACILITIES], dtype=np.float64)
        by_chance = pick(weights, shares(seed, self.numbers, "account facility"))
        self.facility: Ints = np.where(self.numbers < len(FACILITIES), self.numbers, by_chance)
        self.erased_day = self._erased_day()
        self.created = self._created()
        self.edited = self._later("edit", self._edited_day())
        self.erased = self._later("erase", self.erased_day)
        order = np.argsort(self.facility, kind="stable")
        self._members: Ints = self.numbers[order]
        self._starts = np.searchsorted(self.facility[order], np.arange(len(FACILITIES) + 1))

    def choose(self, day: int, facility: Ints, at: NDArray[np.float64]) -> Ints:
        """Return an account number for each order of a day: of its facility, created before, not erased."""
        there = self.created_day[self._members] <= max(day - 1, 0)
        known = np.add.reduceat(there, self._starts[:-1]) if len(there) else np.zeros(0, dtype=np.int64)
        place = np.floor(at * known[facility]).astype(np.int64)
        chosen: Ints = self._members[self._starts[facility] + place]
        # The first account of each facility is never erased, so this ends.
        while (gone := self.erased_day[chosen] <= day + 1).any():
            place = np.where(gone, (place + 1) % known[facility], place)
            chosen = self._members[self._starts[facility] + place]
        return chosen

    def table(self, since: int, until: int, only: Ints | None = None) -> pa.Table:
        """Return the accounts that changed on days in [since, until), or `only` those, as they are at `until`."""
        shown = [change.visible < until for change in (self.created, self.edited, self.erased)]
        newest = np.full(len(self.numbers), -1)
        updated = self.created.at.copy()
        for change, seen in zip((self.created, self.edited, self.erased), shown, strict=True):
            newest = np.where(seen, np.maximum(newest, change.visible), newest)
            updated = np.where(seen, change.at, updated)
        wanted = np.isin(self.numbers, only) if only is not None else newest >= since
        rows = np.flatnonzero(wanted & shown[0])
        return self._rendered(rows, updated[rows], shown[1][rows], shown[2][rows])

    def names(self, number: int) -> tuple[str, str, str]:
        """Return full name, e-mail and phone of an account as they were when it was created."""
        full_name, email, phone = self._identity(np.array([number]), np.array([False]))
        return full_name[0], email[0], phone[0]

    def _rendered(self, rows: Ints, updated: Ints, edited: NDArray[np.bool_], erased: NDArray[np.bool_]) -> pa.Table:
        full_name, email, phone = self._identity(rows, edited)
        births = _BIRTHS_FROM_DAYS + (digests(self.seed, rows, "birth") % np.uint64(_BIRTHS_DAYS)).astype(np.int64)
        resident = shares(self.seed, rows, "account type") < _RESIDENT_SHARE
        return pa.table(
            {
                "account_id": ACCOUNT_ID_FROM + rows,
                "account_type": np.where(resident, "RESIDENT", "CONTACT"),
                "facility_id": self.facility[rows] + 1,
                "full_name": pa.array(full_name, pa.string(), mask=erased),
                "birth_date": dates(births, erased),
                "email": pa.array(email, pa.string(), mask=erased),
                "phone": pa.array(phone, pa.string(), mask=erased),
                "created_at": instants(self.created.at[rows]),
                "updated_at": instants(updated),
                "erased_at": instants(self.erased.at[rows], ~erased),
            }
        )

    def _identity(self, rows: Ints, edited: NDArray[np.bool_]) -> tuple[list[str], list[str], list[str]]:
        names = [f"{_FIRST_NAMES[d % 14]} CANARY{d:016x}" for d in digests(self.seed, rows, "name").tolist()]
        mails = np.where(edited, digests(self.seed, rows, "mail 2"), digests(self.seed, rows, "mail 1")).tolist()
        phones = digests(self.seed, rows, "phone").tolist()
        return names, [f"CANARY{d:016x}@example.invalid" for d in mails], [f"+0-CANARY-{d:020d}" for d in phones]

    def _erased_day(self) -> Ints:
        chance = shares(self.seed, self.numbers, "erasure")
        days = self.created_day + 30 + np.floor(shares(self.seed, self.numbers, "erasure day") * 1_000).astype(np.int64)
        days = np.where((chance < _ERASED_SHARE) & (self.numbers >= len(FACILITIES)), days, NEVER)
        erased: Ints = np.where(self.numbers == _ALWAYS_ERASED, _ALWAYS_ERASED_ON, days)
        return erased

    def _edited_day(self) -> Ints:
        chance = shares(self.seed, self.numbers, "edit")
        days = self.created_day + 5 + np.floor(shares(self.seed, self.numbers, "edit day") * 700).astype(np.int64)
        edited: Ints = np.where((chance < _EDITED_SHARE) & (days + 2 < self.erased_day), days, NEVER)
        return edited

    def _created(self) -> Change:
        later = self._later("create", self.created_day)
        initial = self.created_day == 0
        at_start = self.numbers * 10 * SECOND_MS % (20 * MINUTE_MS)
        return Change(np.where(initial, at_start, later.at), np.where(initial, 0, later.visible))

    def _later(self, what: str, day: Ints) -> Change:
        """Return the change on its day; a few commit late: shown the day after, with an instant before midnight."""
        late = shares(self.seed, self.numbers, f"{what} late") < LATE_SHARE
        within = shares(self.seed, self.numbers, f"{what} time")
        ms = np.where(late, DAY_MS - 1 - within * LATE_WINDOW_MS, MINUTE_MS + within * (DAY_MS - 2 * MINUTE_MS))
        happens = day < NEVER
        at = np.where(happens, day * DAY_MS + ms.astype(np.int64), NEVER)
        return Change(at, np.where(happens, day + late, NEVER))


def _count(scale: float, day: int) -> int:
    """Return how many accounts exist at the end of a day."""
    return len(FACILITIES) + 1 + int(scale * (_AT_START + _PER_DAY * day))
