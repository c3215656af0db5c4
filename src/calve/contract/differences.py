"""What differs between two projects, for whoever reviews a change of contracts.

Compares what is declared, as understood: comments, spacing and defaults that are written out are no difference. Of
transforms and views it says only which differ. Reads nothing but the two folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calve.contract.digest import COVERED
from calve.contract.project import Project

_REFUSED = "`calve run` refuses the published table: widen it first, or give the changed dataset a new name"
_STAYS = "rows that are published stay as they are until they change, or `calve run --reprocess` makes them again"
# What decides which rows there are, and what is in them; of a contract, and of its columns.
_MAKES_ROWS = {"derived_from", "from", "grain", "load", "lookup", "reads", "replace_by", "touched_by"}
_THERE = "there"
_COLUMN, _OF_A_COLUMN = 2, 3
_NAMES = ("name", "rule")


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same.

    Attributes:
        kind: `contract`, `source`, `pipeline` or `file`.
        name: Of the dataset, source or pipeline; the path of a file.
        field: Path of the field, e.g. `columns.amount.type`; empty for the whole.
        before: Its value; None where it was not there.
        after: Its value; None where it is not there any more.
        means: What follows for who merges it; empty where that is plain.
    """

    kind: str
    name: str
    field: str
    before: str | None
    after: str | None
    means: str = ""

    @property
    def change(self) -> str:
        """Return from what to what, in words."""
        if self.before is None or self.after is None:
            value = self.before or self.after
            word = "added" if self.before is None else "removed"
            return word if value == _THERE else f"{word}: {value}"
        return "changed" if self.before == self.after == _THERE else f"{self.before} -> {self.after}"

    def __str__(self) -> str:
        what = f"{self.kind} {self.name}" + (f": {self.field}" if self.field else "")
        return f"{what}: {self.change}" + (f"\n    {self.means}" if self.means else "")


def differences(before: Project, after: Project) -> list[Difference]:
    """Return what differs, by kind and name."""
    found = list(_of_kind("contract", _models(before.contracts), _models(after.contracts)))
    found += _of_kind("source", _models(before.sources), _models(after.sources))
    found += _of_kind("pipeline", _models(before.pipelines), _models(after.pipelines))
    old, new = _files(before), _files(after)
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            means = _STAYS if path.endswith(".py") and path in old and path in new else ""
            found.append(Difference("file", path, "", _there(old, path), _there(new, path), means))
    return found


def difference_table(found: Sequence[Difference]) -> str:
    """Return differences as a table in Markdown, with a sentence when there are none."""
    if not found:
        return "No contract, source, pipeline, transform or view differs."
    lines = ["| what | field | change | what follows |", "|---|---|---|---|"]
    for one in found:
        cells = (f"{one.kind} `{one.name}`", f"`{one.field}`" if one.field else "", one.change, one.means)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def _of_kind(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            yield Difference(kind, name, "", _there(before, name), _there(after, name))
            continue
        for path, old, new in _compared(before[name], after[name], ()):
            means = _meaning(path) if kind == "contract" else ""
            yield Difference(kind, name, ".".join(path), _said(old), _said(new), means)


def _meaning(path: tuple[str, ...]) -> str:
    if path[0] == "columns" and (len(path) == _COLUMN or path[-1] == "type"):
        return _REFUSED
    if path[0] == "partition_by":
        return "for new tables only: the published one keeps its partitions"
    is_of_column = path[0] == "columns" and len(path) == _OF_A_COLUMN and path[-1] == "domain"
    return _STAYS if is_of_column or path[0] in _MAKES_ROWS else ""


def _models(declared: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, model in declared.items():
        found[name] = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if rules := found[name].get("audit"):
            found[name]["audit"] = [{"rule": one.name, **rule} for one, rule in zip(model.audit, rules, strict=True)]
    return found


def _compared(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield what differs with its path; parts of a list that have a name are found by it, wherever they stand."""
    old, new = _by_name(old), _by_name(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _compared(old.get(key), new.get(key), (*path, key))
    elif old != new:
        yield path, old, new


def _by_name(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return {next(part[key] for key in _NAMES if key in part): part for part in value}
    return value


def _said(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(part)}" for key, part in value.items() if key not in _NAMES)
    return ", ".join(map(str, value)) if isinstance(value, list) else None if value is None else str(value)


def _files(project: Project) -> dict[str, bytes]:
    found = (path for pattern in COVERED for path in project.folder.glob(pattern))
    return {path.relative_to(project.folder).as_posix(): path.read_bytes() for path in found}


def _there(found: Mapping[str, Any], name: str) -> str | None:
    return _THERE if name in found else None
