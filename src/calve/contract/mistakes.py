"""One mistake in one file, in words for the person who wrote that file.

Never shows a word of the validation library: each of its error types is told as what was found and
what is expected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Loc = tuple[str | int, ...]
LONGEST = 60


@dataclass(frozen=True, order=True)
class Mistake:
    """What is wrong at one place of one file.

    Attributes:
        file: Path as the reader would type it.
        field: Where in the file, e.g. `columns[net_amount].type`; empty for the file as a whole.
        text: What was found, what is expected; and a hint.
    """

    file: str
    line: int
    field: str
    text: str

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}: {field}{self.text}"


def report(mistakes: Iterable[Mistake]) -> str:
    """Return all mistakes, sorted by file and line, each on its own line."""
    found = sorted(set(mistakes))
    noun = "mistake" if len(found) == 1 else "mistakes"
    return "\n".join([f"contracts: {len(found)} {noun}; correct the files below", *map(str, found)])


def listed(names: Iterable[str]) -> str:
    """Return names for a message: `a, b, c`, or `none`."""
    return ", ".join(names) or "none"


def hint(found: str, known: Iterable[str]) -> str:
    """Return `; did you mean x?` when a known name is close to what was found, else nothing."""
    close = get_close_matches(found.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def shown(value: object) -> str:
    """Return a value as its author would recognise it, cut to one line."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    text = str(value) if len(str(value)) <= LONGEST else f"{str(value)[:LONGEST]}..."
    mark = '"' if "'" in text else "'"
    return f"{mark}{text}{mark}" if isinstance(value, str) else text
