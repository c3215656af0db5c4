"""Whether a pipeline's start is a date of the calendar and its schedule a cron expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from calve.contract.checks.declared import Declarations
from calve.contract.document import Draft
from calve.contract.mistakes import Loc, Mistake

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_PART = re.compile(r"^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/([1-9]\d?))?$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def schedule_mistakes(all_: Declarations) -> Iterator[Mistake]:
    """Yield the mistakes in `start` and `schedule`."""
    for draft in all_.drafts["pipeline"]:
        start = draft.text("start")
        if start is not None and _DATE.match(start):
            try:
                date.fromisoformat(start)
            except ValueError as error:
                yield draft.mistake(("start",), f"found '{start}', expected a date of the calendar; {error}")
        yield from _cron(draft, ("schedule",))


def _cron(draft: Draft, loc: Loc) -> Iterator[Mistake]:
    text = draft.text(*loc)
    if text is None:
        return
    given = text.split()
    if len(given) != len(_FIELDS):
        expected = "minute hour day-of-month month day-of-week, e.g. '30 2 * * *'"
        yield draft.mistake(loc, f"found '{text}', expected 5 fields: {expected}")
        return
    for (name, low, high), field in zip(_FIELDS, given, strict=True):
        for part in field.split(","):
            match = _PART.match(part)
            bounds = [int(n) for n in match.groups()[:2] if n is not None] if match else [-1]
            if any(not low <= n <= high for n in bounds) or bounds != sorted(bounds):
                expected = f"expected *, {low} to {high}, a range a-b, a step */n or a list of these"
                yield draft.mistake(loc, f"found '{part}' as {name} in '{text}', {expected}")
