"""Intervals and run keys: what a run is, told apart from when and how often it is tried."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from calve.errors import IntervalError

DAY = timedelta(days=1)
ALL = "all"
_DIGEST_LENGTH = 8
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, order=True)
class Interval:
    """A half-open range of UTC instants `[since, until)`, aligned to UTC midnights."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        for name, instant in (("since", self.since), ("until", self.until)):
            if instant.tzinfo is None or instant.utcoffset() != timedelta(0):
                msg = f"interval: {name} {instant.isoformat()} is not in UTC; write it with +00:00"
                raise IntervalError(msg)
            if instant != instant.replace(hour=0, minute=0, second=0, microsecond=0):
                msg = f"interval: {name} {instant.isoformat()} is not a UTC midnight; use {instant.date()}"
                raise IntervalError(msg)
        if self.since >= self.until:
            msg = f"interval: since {self.since.date()} is not before until {self.until.date()}; swap them"
            raise IntervalError(msg)

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read `2026-01-02` (that day) or `2026-01-01/2026-01-05` (since/until, until excluded)."""
        since, slash, until = text.partition("/")
        first = _midnight(since, text)
        if slash:
            return cls(first, _midnight(until, text))
        if first.date() == date.max:
            msg = f"interval '{text}': ends after the last day of the calendar, expected before; ask for an earlier day"
            raise IntervalError(msg)
        return cls(first, first + DAY)

    @staticmethod
    def parse_day(text: str) -> datetime:
        """Read `2026-01-02` as the midnight with which that UTC date begins; a range is refused."""
        if "/" in text:
            msg = f"interval '{text}': found a range, expected one day YYYY-MM-DD; use --interval for a range"
            raise IntervalError(msg)
        return _midnight(text, text)

    def __str__(self) -> str:
        if self.until - self.since == DAY:
            return self.since.date().isoformat()
        return f"{self.since.date()}/{self.until.date()}"

    @property
    def compact(self) -> str:
        """Return the interval in a form that fits names: `20260102` or `20260101-20260105`."""
        if self.until - self.since == DAY:
            return f"{self.since:%Y%m%d}"
        return f"{self.since:%Y%m%d}-{self.until:%Y%m%d}"

    def must_be_over(self, now: datetime) -> None:
        """Refuse an interval that still goes on at `now`: its rows are not all there."""
        if self.until > now:
            clock = now.isoformat(timespec="seconds")
            msg = f"interval {self}: ends {self.until.isoformat()}, now is {clock}; ask for an earlier one"
            raise IntervalError(msg)


def _midnight(text: str, whole: str) -> datetime:
    if not _DATE.match(text):
        msg = f"interval '{whole}': expected YYYY-MM-DD or YYYY-MM-DD/YYYY-MM-DD"
        raise IntervalError(msg)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        msg = f"interval '{whole}': {text} is not a date ({error})"
        raise IntervalError(msg) from error
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """Making one interval of one pipeline true.

    Attributes:
        scope: `all`, or a part such as `facility_id=7`; a scoped run doesn't change the ledger's coverage.
        generation: 0; one more after a blocked verdict or for a deliberate reprocess.
    """

    pipeline: str
    interval: Interval
    scope: str = ALL
    generation: int = 0

    @property
    def key(self) -> str:
        """Return the run key, which names exactly one publication, e.g. `revenue@2026-01-02#0`."""
        scope = "" if self.scope == ALL else f"[{self.scope}]"
        return f"{self.pipeline}@{self.interval}{scope}#{self.generation}"

    @property
    def slug(self) -> str:
        """Return the run key in letters that a branch or file name takes.

        A scope is told with a digest of itself: what stands for its other signs may stand in another scope too.
        """
        scope = ""
        if self.scope != ALL:
            digest = hashlib.sha256(self.scope.encode()).hexdigest()[:_DIGEST_LENGTH]
            scope = f"_{re.sub(r'[^A-Za-z0-9]+', '_', self.scope)}_{digest}"
        return f"{self.pipeline}_{self.interval.compact.replace('-', '_')}{scope}_{self.generation}"

    def branch(self, attempt: int) -> str:
        """Return the branch that this attempt stages on; never used again."""
        return f"run_{self.slug}_a{attempt}"

    @classmethod
    def parse(cls, key: str) -> Run:
        """Read a run key back."""
        match = re.fullmatch(r"(?P<p>\w+)@(?P<i>[\d/-]+)(\[(?P<s>[^\]]+)\])?#(?P<g>\d+)", key)
        if match is None:
            msg = f"run key '{key}': expected pipeline@interval#generation, e.g. revenue@2026-01-02#0"
            raise IntervalError(msg)
        return cls(match["p"], Interval.parse(match["i"]), match["s"] or ALL, int(match["g"]))
