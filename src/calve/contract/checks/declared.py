"""All drafts of a project, found by name. Holds broken ones too: what refers to them is not a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from calve.contract.document import Draft
from calve.contract.mistakes import Loc, Mistake, hint, listed

NAMED_BY = {"contract": "dataset", "source": "source", "pipeline": "pipeline"}


@dataclass(frozen=True)
class Declarations:
    """Drafts by kind (`contract`, `source`, `pipeline`).

    Attributes:
        folder: Holds `iceberg/` and `spark_apps/`.
        drafts: All of a kind, in the order of their files.
        unreadable: Names of files that could not be read; `*` when nothing is known of a kind.
        filling: A pipeline that may have no contract yet.
    """

    folder: Path
    drafts: Mapping[str, list[Draft]]
    unreadable: Mapping[str, set[str]]
    filling: str = ""

    @property
    def contracts(self) -> list[Draft]:
        """Return the drafts of contracts."""
        return self.drafts["contract"]

    def named(self, kind: str) -> dict[str, Draft]:
        """Return the drafts of a kind by name; the first one where a name stands twice."""
        found: dict[str, Draft] = {}
        for draft in self.drafts[kind]:
            if name := draft.text(NAMED_BY[kind]):
                found.setdefault(name, draft)
        return found

    def names(self, kind: str) -> list[str]:
        """Return all names of a kind, those of unreadable files and of files named otherwise included."""
        files = set() if kind == "pipeline" else {PurePosixPath(draft.file).stem for draft in self.drafts[kind]}
        return sorted(set(self.named(kind)) | files | (self.unreadable[kind] - {"*"}))

    def unknown(self, kind: str, draft: Draft, loc: Loc, name: str) -> list[Mistake]:
        """Return a mistake when there is nothing of this kind and name."""
        names = self.names(kind)
        if name in names or "*" in self.unreadable[kind]:
            return []
        word = "dataset" if kind == "contract" else kind
        text = f"found '{name}', expected a {word}; there are {listed(names)}{hint(name, names)}"
        return [draft.mistake(loc, text)]


def typed_columns(draft: Draft) -> dict[str, str]:
    """Return the columns of a contract or source with their types, as far as both are texts."""
    return {str(c["name"]): str(c.get("type")) for _, c in draft.mappings("columns") if isinstance(c.get("name"), str)}


def landed_columns(source: Draft) -> dict[str, str]:
    """Return the columns that a source lands, as they are named and typed in the lake."""
    landed: dict[str, str] = {}
    for _, column in source.mappings("columns"):
        name, land = str(column.get("name")), column.get("land", "value")
        if land == "hash":
            landed[name.removesuffix("_id") + "_key"] = "string"
        elif land != "drop":
            landed[name] = str(column.get("type"))
    return landed


def rule_kind(rule: Mapping[str, object], kinds: Mapping[str, object]) -> str | None:
    """Return the kind of an audit rule, or None when it has none or several."""
    found = [kind for kind in kinds if kind in rule]
    return found[0] if len(found) == 1 else None
