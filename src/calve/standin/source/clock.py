"""Days and instants of the generated history, as plain integers that numpy can carry.

A day is its number since HISTORY_START; an instant is milliseconds since HISTORY_START 00:00 UTC. Nothing here
reads the wall clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

HISTORY_START = date(2025, 1, 1)
EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
EPOCH_MS = int(EPOCH.timestamp()) * 1000
SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
NEVER = 1 << 34
"""A day number that no history reaches; its instant still fits into 64 bits."""

_ZONES_KNOWN_DAYS = range(-10, 366 * 15, 7)


def day_number(day: date) -> int:
    """Return the number of a day; HISTORY_START is 0."""
    return (day - HISTORY_START).days


def day_date(number: int) -> date:
    """Return the date of a day number."""
    return HISTORY_START + timedelta(days=number)


def instant(ms: int) -> datetime:
    """Return an instant as a datetime in UTC."""
    return EPOCH + timedelta(milliseconds=ms)


def offset_ms(zone: str, at_ms: Ints) -> Ints:
    """Return how far each instant's local time is ahead of UTC, in milliseconds."""
    starts, offsets = _transitions(zone)
    found: Ints = offsets[np.searchsorted(starts, at_ms, side="right") - 1]
    return found


def local_day(zone: str, at_ms: Ints) -> Ints:
    """Return the local day number of each instant."""
    days: Ints = (at_ms + offset_ms(zone, at_ms)) // DAY_MS
    return days


@lru_cache(maxsize=64)
def _transitions(zone: str) -> tuple[Ints, Ints]:
    """Return the instants at which the zone's offset changes, and the offset from each on."""
    info = ZoneInfo(zone)
    starts, offsets = [-NEVER * DAY_MS], [_offset(info, _ZONES_KNOWN_DAYS[0] * DAY_MS)]
    for day in _ZONES_KNOWN_DAYS:
        low, high = day * DAY_MS, (day + _ZONES_KNOWN_DAYS.step) * DAY_MS
        if _offset(info, high) == offsets[-1]:
            continue
        while high - low > MINUTE_MS:
            middle = (low + high) // 2 // MINUTE_MS * MINUTE_MS
            low, high = (middle, high) if _offset(info, middle) == offsets[-1] else (low, middle)
        starts.append(high)
        offsets.append(_offset(info, high))
    return np.array(starts, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _offset(info: ZoneInfo, at_ms: int) -> int:
    ahead = instant(at_ms).astimezone(info).utcoffset() or timedelta()
    return int(ahead.total_seconds()) * 1000
