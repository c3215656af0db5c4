"""Whether declarations agree with each other. Works on drafts, so that one mistake hides no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from calve.contract.document import Draft
from calve.contract.mistakes import Mistake

NAMED_BY = {"contract": "dataset", "source": "source"}


def disagreements(
    folder: Path, drafts: Mapping[str, list[Draft]], broken: Mapping[str, set[str]]
) -> list[Mistake]:
    """Return every mistake that no single field shows."""
    return [mistake for kind, field in NAMED_BY.items() for mistake in _named(drafts[kind], field)]


def _named(drafts: list[Draft], field: str) -> Iterator[Mistake]:
    for draft in drafts:
        name, stem = draft.text(field), PurePosixPath(draft.file).stem
        if name is not None and name != stem:
            yield draft.mistake((field,), f"found '{name}' in {stem}.yaml; expected one name for both")
