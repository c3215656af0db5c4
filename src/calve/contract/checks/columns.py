"""Whether each column that a contract or source mentions is declared, once, with a type that fits its use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from calve.contract.checks.declared import Declarations, landed_columns, typed_columns
from calve.contract.document import Draft
from calve.contract.mistakes import Loc, Mistake, hint, listed

_TRANSFORM = re.compile(r"^(?:month|day|year)\((\w+)\)$")
_SEALED = ("business_date", "facility_id", "table_name", "version", "row_count", "sum_amount", "is_closed", "sealed_at")
TEMPORAL = ("date", "timestamptz")
NUMERIC = ("int", "long", "double", "decimal")


def column_mistakes(all_: Declarations) -> Iterator[Mistake]:
    """Yield the mistakes about columns within each file."""
    for draft in (*all_.drafts["contract"], *all_.drafts["source"]):
        yield from _declared_once(draft)
    for draft in all_.contracts:
        yield from _contract(draft)
        yield from _partitions(draft)
        yield from _load(draft)
        yield from _control_total(draft, all_)
    for draft in all_.drafts["source"]:
        yield from _source(draft)


def must_be(draft: Draft, loc: Loc, name: str, *types: str) -> Iterator[Mistake]:
    """Yield a mistake when a column is not declared, or has none of the types."""
    columns = typed_columns(draft)
    if name not in columns:
        known = list(columns)
        yield draft.mistake(loc, f"found '{name}', expected a declared column: {listed(known)}{hint(name, known)}")
    elif types and columns[name].partition("(")[0] not in types:
        kind = columns[name]
        yield draft.mistake(loc, f"column {name} is {kind}, expected {' or '.join(types)}; take another column")


def _declared_once(draft: Draft) -> Iterator[Mistake]:
    seen: set[str] = set()
    for loc, column in draft.mappings("columns"):
        name = column.get("name")
        if not isinstance(name, str):
            continue
        if name in seen:
            yield draft.mistake((*loc, "name"), f"column '{name}' is declared twice; keep one")
        if name.startswith("_"):
            yield draft.mistake((*loc, "name"), f"found '{name}'; names with _ in front are calve's own, take another")
        seen.add(name)


def _contract(draft: Draft) -> Iterator[Mistake]:
    for field in ("grain", "sort_by", "touched_by"):
        for loc, name in draft.texts(field):
            yield from must_be(draft, loc, name)
    for loc, name in draft.texts("replace_by"):
        yield from must_be(draft, loc, name, "date")
    masking = draft.at(("serve", "masking"))
    for name in masking if isinstance(masking, dict) else ():
        yield from must_be(draft, ("serve", "masking", name), name)


def _partitions(draft: Draft) -> Iterator[Mistake]:
    fixed = {column.get("name") for _, column in draft.mappings("columns") if column.get("immutable") is True}
    fixed |= {name for _, name in draft.texts("grain")}
    for loc, text in draft.texts("partition_by"):
        match = _TRANSFORM.match(text)
        name = match[1] if match else text
        found = list(must_be(draft, loc, name, *(TEMPORAL if match else ())))
        yield from found
        if not found and name not in fixed:
            found_it = f"column {name} may change for a key, expected one that never does"
            yield draft.mistake(loc, f"{found_it}; declare it immutable: true")


def _load(draft: Draft) -> Iterator[Mistake]:
    load = draft.text("load")
    for field in ("from", "touched_by") if load in ("append", "merge") else ():
        if not draft.at((field,)):
            yield draft.mistake(("load",), f"{load} needs `{field}`; add it")
    for field in ("derived_from", "replace_by"):
        if load == "replace" and not draft.at((field,)):
            yield draft.mistake(("load",), f"replace needs `{field}`; add it")
        if load in ("append", "merge", "snapshot") and draft.at((field,)):
            yield draft.mistake((field,), f"goes with load: replace only, found load: {load}; take one of them out")


def _control_total(draft: Draft, all_: Declarations) -> Iterator[Mistake]:
    for field, types in (("date", ("date",)), ("by", ()), ("sum", NUMERIC)):
        if (name := draft.text("control_total", field)) is not None:
            yield from must_be(draft, ("control_total", field), name, *types)
    source = all_.named("source").get(draft.text("control_total", "source") or "")
    if source is not None and (absent := [name for name in _SEALED if name not in landed_columns(source)]):
        text = f"source {source.text('source')} lands no {listed(absent)}; sealed totals need {listed(_SEALED)}"
        yield draft.mistake(("control_total", "source"), text)


def _source(draft: Draft) -> Iterator[Mistake]:
    uses: list[tuple[Loc, str, tuple[str, ...]]] = [(loc, name, ()) for loc, name in draft.texts("key")]
    uses += [(loc, name, NUMERIC) for loc, name in draft.texts("totals")]
    uses += [(loc, name, ("timestamptz",)) for loc, name in draft.texts("changed_by")]
    uses += [(loc, name, ("boolean",)) for loc, name in draft.texts("deletes", "soft")]
    uses += [(loc, name, ("timestamptz",)) for loc, name in draft.texts("deletes", "compare_keys")]
    dropped = {column.get("name") for _, column in draft.mappings("columns") if column.get("land") == "drop"}
    for loc, name, types in uses:
        yield from must_be(draft, loc, name, *types)
        if name in dropped:
            yield draft.mistake(loc, f"column {name} is dropped before it lands; let it land, or take another column")
