"""Whether each audit rule can be asked: of declared columns, of types that fit, of datasets within reach."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from calve.contract.checks.columns import NUMERIC, TEMPORAL, must_be
from calve.contract.checks.declared import Declarations, rule_kind, typed_columns
from calve.contract.document import Draft
from calve.contract.mistakes import Loc, Mistake, hint, listed, shown
from calve.contract.rules import KINDS

# Which field of which kind of rule names columns, and of what type they must be.
_USES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "complete": {"complete": ()},
    "unique": {"unique": ()},
    "between": {"between": (*NUMERIC, *TEMPORAL, "string")},
    "one_of": {"one_of": ("string",)},
    "matches": {"matches": ("string",)},
    "refers": {"refers": ()},
    "volume": {"volume": TEMPORAL, "per": ()},
    "drift": {"drift": NUMERIC, "at": TEMPORAL, "per": ()},
    "fresh": {"fresh": ("timestamptz",)},
    "conserve": {"conserve": NUMERIC},
}


def rule_mistakes(all_: Declarations) -> Iterator[Mistake]:
    """Yield the mistakes in audit rules."""
    for draft in all_.contracts:
        names: dict[str, int] = {}
        for loc, rule in draft.mappings("audit"):
            kind = rule_kind(rule, KINDS)
            if kind is None:
                continue
            yield from _columns(draft, loc, kind)
            if kind == "between":
                yield from _bounds(draft, loc, rule)
            if kind == "matches":
                yield from _pattern(draft, (*loc, "pattern"))
            if kind == "refers":
                yield from _refers(draft, loc, all_)
            if kind == "conserve":
                yield from _conserve(draft, loc)
            yield from _said_once(draft, loc, kind, names)


def _columns(draft: Draft, loc: Loc, kind: str) -> Iterator[Mistake]:
    for field, types in _USES.get(kind, {}).items():
        for where, name in draft.texts(*loc, field):
            yield from must_be(draft, where, name, *types)


def _bounds(draft: Draft, loc: Loc, rule: Mapping[str, object]) -> Iterator[Mistake]:
    column = typed_columns(draft).get(str(rule["between"]), "")
    low, high = rule.get("min"), rule.get("max")
    numbers = column.partition("(")[0] in NUMERIC
    for field, bound in (("min", low), ("max", high)):
        if column and isinstance(bound, int | float | str) and numbers != isinstance(bound, int | float):
            text = f"found {shown(bound)} for a column of type {column}, expected a {'number' if numbers else 'text'}"
            yield draft.mistake((*loc, field), text)
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield draft.mistake((*loc, "min"), f"found min {low} above max {high}; swap them")


def _pattern(draft: Draft, loc: Loc) -> Iterator[Mistake]:
    try:
        re.compile(draft.text(*loc) or "")
    except re.error as error:
        # Java has a few forms that Python lacks; they begin with a backslash, brackets don't.
        if "unterminated" in error.msg or "unbalanced" in error.msg or "missing )" in error.msg:
            yield draft.mistake(loc, f"found a regular expression with {error.msg}; close it")


def _refers(draft: Draft, loc: Loc, all_: Declarations) -> Iterator[Mistake]:
    target = draft.text(*loc, "to")
    if target is None:
        return
    where = (*loc, "to")
    if target == draft.text("dataset"):
        text = f"found {target} itself, expected another dataset: its rows are judged before they are published"
        yield draft.mistake(where, f"{text}; say it in the transform, with a column and a rule `sql` on it")
        return
    yield from all_.unknown("contract", draft, where, target)
    other = all_.named("contract").get(target)
    if other is None:
        return
    readable = {name for _, name in draft.texts("reads")}
    elsewhere = other.text("pipeline") != draft.text("pipeline")
    if elsewhere and target not in readable and readable <= set(all_.names("contract")):
        text = f"{target} is published by pipeline {other.text('pipeline')} and not read here; add it to `reads`"
        yield draft.mistake(where, text)
    keys = [name for _, name in other.texts("grain")]
    if len(keys) != 1:
        text = f"{target} has the grain {listed(keys)}, expected a single column; refer to another dataset"
        yield draft.mistake(where, text)
        return
    mine = typed_columns(draft).get(draft.text(*loc, "refers") or "")
    theirs = typed_columns(other).get(keys[0])
    if mine and theirs and mine != theirs:
        text = f"is {mine}, but {target}.{keys[0]} is {theirs}; expected one type for both"
        yield draft.mistake((*loc, "refers"), text)


def _conserve(draft: Draft, loc: Loc) -> Iterator[Mistake]:
    siblings = [name for _, name in draft.texts("derived_from")]
    name = draft.text(*loc, "of")
    if name is not None and name not in siblings:
        text = f"found '{name}', expected one of `derived_from`: {listed(siblings)}{hint(name, siblings)}"
        yield draft.mistake((*loc, "of"), text)


def _said_once(draft: Draft, loc: Loc, kind: str, names: dict[str, int]) -> Iterator[Mistake]:
    try:
        rule = KINDS[kind].model_validate_json(json.dumps(draft.at(loc)), by_alias=True, by_name=False)
    except ValidationError:
        return
    name, line = str(getattr(rule, "name", "")), draft.mistake(loc, "").line
    if name in names:
        yield draft.mistake(loc, f"the rule '{name}' stands already in line {names[name]}; keep one")
    names.setdefault(name, line)
