"""YAML files as plain values that still know their line.

A key that stands twice is a mistake here, not a silent overwrite. Dates stay text: a contract has no
other notion of them. Nothing is constructed but text, numbers, booleans, null, lists and mappings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from calve.contract.mistakes import Loc, Mistake

_TRUE = {"true"}


@dataclass(frozen=True)
class Draft:
    """One declared thing as it stands in its file, valid or not.

    Attributes:
        file: Path as the reader would type it.
        value: What was read: lists, mappings and scalars.
        lines: Line of every mapping entry and list item, by location in the file.
        root: Where in the file the declared thing stands.
    """

    file: str
    value: object
    lines: Mapping[Loc, int]
    root: Loc = ()

    def at(self, loc: Loc) -> object:
        """Return what stands at a location, or None."""
        here = self.value
        for step in loc:
            if isinstance(here, dict):
                here = here.get(step)
            elif isinstance(here, list) and isinstance(step, int) and step < len(here):
                here = here[step]
            else:
                return None
        return here

    def text(self, *loc: str | int) -> str | None:
        """Return the text at a location, or None when there is no text."""
        found = self.at(loc)
        return found if isinstance(found, str) else None

    def texts(self, *loc: str | int) -> list[tuple[Loc, str]]:
        """Return the texts of a list (or the single text) with their locations; skips anything else."""
        found = self.at(loc)
        if isinstance(found, str):
            return [(loc, found)]
        items = found if isinstance(found, list) else []
        return [((*loc, n), item) for n, item in enumerate(items) if isinstance(item, str)]

    def mappings(self, *loc: str | int) -> list[tuple[Loc, dict[str, object]]]:
        """Return the mappings of a list with their locations; skips anything else."""
        found = self.at(loc)
        items = found if isinstance(found, list) else []
        return [((*loc, n), item) for n, item in enumerate(items) if isinstance(item, dict)]

    def mistake(self, loc: Loc, text: str) -> Mistake:
        """Return a mistake at a location, or at the nearest place above it that has a line."""
        whole = (*self.root, *loc)
        line = next((self.lines[whole[:n]] for n in range(len(whole), -1, -1) if whole[:n] in self.lines), 1)
        return Mistake(self.file, line, self._field(loc), text)

    def _field(self, loc: Loc) -> str:
        words = ""
        for n, step in enumerate(loc):
            if isinstance(step, str):
                words += f".{step}" if words else step
                continue
            item = self.at(loc[: n + 1])
            name = item.get("name") if isinstance(item, dict) else None
            words += f"[{name}]" if isinstance(name, str) else f"[#{step + 1}]"
        return words


def read(path: Path, file: str) -> tuple[Draft | None, list[Mistake]]:
    """Read one file.

    Returns:
        What stands in it (None when it is no YAML) and every mistake of syntax and doubled key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = YAML(typ="safe", pure=True).compose(text)
    except UnicodeDecodeError as error:
        return None, [Mistake(file, 1, "", f"is not UTF-8 (byte {error.start}); save it as UTF-8")]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        return None, [Mistake(file, line, "", f"is not YAML: {error.problem}; check quotes and indentation")]
    except YAMLError as error:
        return None, [Mistake(file, 1, "", f"is not YAML: {str(error).splitlines()[0]}; check the text")]
    lines: dict[Loc, int] = {}
    doubled: list[tuple[Loc, int, int]] = []
    value = _plain(node, (), lines, doubled) if node is not None else None
    draft = Draft(file, value, lines)
    return draft, [
        Mistake(file, again, draft.mistake(loc, "").field, f"stands twice, first in line {first}; keep one")
        for loc, first, again in doubled
    ]


def _plain(node: Node, loc: Loc, lines: dict[Loc, int], doubled: list[tuple[Loc, int, int]]) -> object:
    lines.setdefault(loc, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        entries: dict[str, object] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in entries:
                doubled.append(((*loc, name), lines[(*loc, name)], line))
                continue
            lines[(*loc, name)] = line
            entries[name] = _plain(value, (*loc, name), lines, doubled)
        return entries
    if isinstance(node, SequenceNode):
        return [_plain(item, (*loc, n), lines, doubled) for n, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: Node) -> object:
    kind, text = str(node.tag).rpartition(":")[2], str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in _TRUE
    if kind in ("int", "float"):
        number = text.replace("_", "")
        try:
            return int(number) if kind == "int" else float(number)
        except ValueError:
            return text
    return text


def listing(draft: Draft) -> Iterator[Draft]:
    """Yield each item of a file that holds a list, as a draft of its own."""
    for n, item in enumerate(draft.value if isinstance(draft.value, list) else []):
        yield Draft(draft.file, item, draft.lines, (n,))
