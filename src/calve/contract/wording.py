"""Tells the validation library's errors in words: what was found, what is expected, a hint."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from calve.contract.document import Draft
from calve.contract.mistakes import Loc, Mistake, hint, listed, shown
from calve.contract.rules import KINDS

_KINDS_OF_VALUE = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list, e.g. [a, b]",
    "list": "a list, e.g. [a, b]",
    "dict": "a mapping",
    "model": "a mapping",
    "model_attributes": "a mapping",
}
_PATTERNS = {
    "^[a-z_][a-z0-9_]{0,62}$": "a name of lower-case letters, digits and _, at most 63",
    r"^\d{4}-\d{2}-\d{2}$": "a date as YYYY-MM-DD",
    r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$": "schema.table in lower case",
}
_TRANSFORM = "a column, or month(column), day(column), year(column)"
_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


def mistakes_of(error: ValidationError, model: type[BaseModel], draft: Draft) -> list[Mistake]:
    """Return the mistakes that keep a draft from being the model, one per place."""
    told: dict[Loc, list[str]] = {}
    for one in error.errors(include_url=False):
        loc = _in_file(one["loc"], draft, absent=one["type"] == "missing")
        text = _told(one, loc, model, draft)
        if text and text not in told.setdefault(loc, []):
            told[loc].append(text)
    return [draft.mistake(loc, text) for loc, texts in told.items() for text in _merged(texts)]


def _in_file(loc: Loc, draft: Draft, *, absent: bool) -> Loc:
    """Leave out the steps that stand in no file: the kind of a rule, the member of a union.

    Args:
        absent: The last step is told because it is not there.
    """
    steps = list(loc)
    if len(steps) > 2 and steps[0] == "audit" and steps[2] in KINDS:  # noqa: PLR2004  # audit, n, kind
        del steps[2]
    known = 0
    while known < len(steps) and _holds(draft.at(tuple(steps[:known])), steps[known]):
        known += 1
    return tuple(steps[: known + 1] if absent else steps[:known])


def _holds(above: object, step: str | int) -> bool:
    if isinstance(above, dict):
        return step in above
    return isinstance(above, list) and isinstance(step, int) and step < len(above)


def _merged(texts: list[str]) -> list[str]:
    """Join `found x, expected a` and `found x, expected b` of a union's members."""
    start = texts[0].partition(", expected ")[0]
    if len(texts) > 1 and all(text.startswith(f"{start}, expected ") for text in texts):
        return [f"{start}, expected " + " or ".join(text.partition(", expected ")[2] for text in texts)]
    return texts


def _told(error: Mapping[str, Any], loc: Loc, model: type[BaseModel], draft: Draft) -> str:
    kind, given = str(error["type"]), error["input"]
    if kind == "extra_forbidden":
        known = _fields(_model_at(model, error["loc"][:-1]))
        return f"unknown field, expected one of {listed(known)}{hint(str(loc[-1]), known)}"
    if kind == "missing":
        return f"is missing; add `{loc[-1]}:`"
    if kind == "rule_kind":
        return _told_kind(given, str(error["msg"]))
    if kind == "too_short":
        return "" if draft.at(loc) else "is empty; name at least one"
    if kind == "value_error":
        text = str(error["ctx"]["error"])
        return text.removeprefix(f"{loc[-1]} ") if loc else text
    return f"found {shown(given)}, expected {_expected(kind, given, error.get('ctx', {}))}"


def _expected(kind: str, given: object, context: Mapping[str, Any]) -> str:
    if kind == "literal_error":
        allowed = [word.strip(" '") for word in context["expected"].replace(" or ", ", ").split(", ")]
        return f"one of {listed(allowed)}{hint(str(given), allowed)}"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], _TRANSFORM)
    if kind == "string_too_short":
        return "a longer text"
    if kind in _BOUNDS:
        bound = next(context[word] for word in ("gt", "ge", "lt", "le") if word in context)
        return f"{_BOUNDS[kind]} {bound:g}"
    if kind.startswith("tuple") and isinstance(given, str):
        return f"a list: [{given}]"
    return _KINDS_OF_VALUE.get(kind.rpartition("_")[0], "another kind of value")


def _told_kind(given: object, msg: str) -> str:
    if not isinstance(given, dict):
        return f"found {shown(given)}, expected a mapping; {msg}"
    close = next((h for key in given if (h := hint(str(key), KINDS))), "")
    return f"found the fields {listed(map(str, given))}; {msg}{close}"


def _fields(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """Return the model that describes a location (the library's location, with kinds of rules in it)."""
    here: type[BaseModel] | None = model
    for step in loc:
        if isinstance(step, int) or here is None:
            continue
        if step in KINDS and here is model and loc[0] == "audit":
            here = KINDS[step]
            continue
        field = next((f for name, f in here.model_fields.items() if step in (name, f.alias)), None)
        inner = _model_in(field.annotation) if field else None
        here = inner or here
    return here


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the single model that an annotation such as `tuple[Column, ...]` or `X | None` holds."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) else None
    if get_origin(annotation) in (tuple, dict, Annotated, Union, types.UnionType):
        found = [m for part in get_args(annotation) if (m := _model_in(part))]
        return found[0] if len(set(found)) == 1 else None
    return None
