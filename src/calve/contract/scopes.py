"""Which part of a source a scope such as `facility_id=7` means: a column of its own, or of the source it is part of.

Knows only declarations; never asks a database whether such a facility exists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from calve.contract.mistakes import hint, listed
from calve.contract.project import Project
from calve.contract.sources import Source
from calve.errors import IntervalError

TYPES = ("int", "long", "string")
_SCOPE = re.compile(r"^(?P<column>[a-z_][a-z0-9_]*)=(?P<value>[\w.-]+)$")


@dataclass(frozen=True)
class Part:
    """Rows of a source that a scope means.

    Attributes:
        column: Column of the last source of `path`.
        value: What it must be.
        path: The source itself, and the sources that it is part of, up to the one that has the column.
    """

    column: str
    value: int | str
    path: tuple[Source, ...]


def parts_of(project: Project, pipeline: str, scope: str) -> Mapping[str, Part]:
    """Return the part of each source of a pipeline that the scope means; sources that it doesn't reach are absent.

    Raises:
        IntervalError: The scope is no `column=value`, or no source of the pipeline has a part of this kind.
    """
    match = _SCOPE.match(scope)
    if match is None:
        msg = f"scope '{scope}': expected column=value, e.g. facility_id=7"
        raise IntervalError(msg)
    column, text = match["column"], match["value"]
    sources = project.sources_of(pipeline)
    paths = {source.source: _path(project.sources, source, column) for source in sources}
    found = {name: Part(column, _value(path[-1], column, text), path) for name, path in paths.items() if path}
    if not found:
        names = sorted({c.name for source in sources for c in source.landed if _can_say(source, c.name)})
        msg = f"scope '{scope}': no source of {pipeline} has {column}; there are {listed(names)}{hint(column, names)}"
        raise IntervalError(msg)
    return found


def _path(sources: Mapping[str, Source], source: Source, column: str) -> tuple[Source, ...]:
    if _can_say(source, column):
        return (source,)
    if source.part_of is None:
        return ()
    rest = _path(sources, sources[source.part_of.source], column)
    return (source, *rest) if rest else ()


def _can_say(source: Source, column: str) -> bool:
    return any(c.name == column and c.land == "value" and c.type in TYPES for c in source.columns)


def _value(source: Source, column: str, text: str) -> int | str:
    kind = next(c.type for c in source.columns if c.name == column)
    if kind == "string":
        return text
    if re.fullmatch(r"-?\d+", text) is None:
        msg = f"scope '{column}={text}': {column} is {kind}, found '{text}'; give a whole number"
        raise IntervalError(msg)
    return int(text)
