"""Label and field selectors: which objects a list or a watch means. A selector that cannot be read is a 400."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from calve.standin.kubernetes.refusals import bad_request
from calve.standin.kubernetes.resources import Object, Resource

Matches = Callable[[Object], bool]

_KEY = r"(?:[A-Za-z0-9][-A-Za-z0-9.]*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_LABEL_LENGTH = 63


def selection(resource: Resource, labels: str, fields: str) -> Matches:
    """Return what tells whether an object is meant.

    Raises:
        RefusedError: 400; a selector is malformed, or names a field that this resource cannot be selected by.
    """
    requirements = [_requirement(part) for part in re.split(r",(?![^(]*\))", labels) if part.strip()]
    wanted = [_field(resource, part) for part in fields.split(",") if part.strip()]

    def matches(found: Object) -> bool:
        own = found["metadata"].get("labels") or {}
        return all(each(own) for each in requirements) and all(each(found) for each in wanted)

    return matches


def _requirement(text: str) -> Callable[[Mapping[str, str]], bool]:
    text = text.strip()
    if found := re.fullmatch(rf"({_KEY})\s+((?:not)?in)\s+\(([^()]*)\)", text.replace("(", " (")):
        key, word = found[1], found[2]
        values = {_value(part.strip(), key) for part in found[3].split(",")}
        if word == "in":
            return lambda own: own.get(key) in values
        return lambda own: own.get(key) not in values
    if found := re.fullmatch(rf"({_KEY})\s*(==|=|!=)\s*(.*)", text):
        key, sign, value = found[1], found[2], _value(found[3], found[1])
        if sign == "!=":
            return lambda own: own.get(key) != value
        return lambda own: own.get(key) == value
    if found := re.fullmatch(rf"(!?)\s*({_KEY})", text):
        present, key = not found[1], found[2]
        return lambda own: (key in own) is present
    msg = f"unable to parse requirement: found {text!r}, expected an identifier and an operator"
    raise bad_request(msg)


def _value(text: str, key: str) -> str:
    if re.fullmatch(_VALUE, text) and len(text) <= _LABEL_LENGTH:
        return text
    msg = f'unable to parse requirement: values[0][{key}]: Invalid value: "{text}": a valid label must be …'
    raise bad_request(msg)


def _field(resource: Resource, text: str) -> Matches:
    found = re.fullmatch(r"([\w.]+)(==|=|!=)(.*)", text.strip())
    if found is None:
        msg = f"invalid selector: '{text}'; can't understand '{text}'"
        raise bad_request(msg)
    path, sign, value = found[1], found[2], found[3]
    if path not in ("metadata.name", "metadata.namespace", *resource.fields):
        msg = f"field label not supported: {path}"
        raise bad_request(msg)
    equal = sign != "!="
    return lambda each: (_at(each, path) == value) is equal


def _at(found: Object, path: str) -> str:
    here: object = found
    for part in path.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return "" if here is None else str(here)
