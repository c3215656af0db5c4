"""Patches: JSON merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from __future__ import annotations

import copy
import json
from typing import Any

from calve.standin.kubernetes.refusals import RefusedError, bad_request, invalid
from calve.standin.kubernetes.resources import Object, Resource

MERGE, JSON, STRATEGIC = (f"application/{word}+json" for word in ("merge-patch", "json-patch", "strategic-merge-patch"))


def patched(resource: Resource, content_type: str, body: Any, now: Object) -> Object:
    """Return what a patch makes of an object.

    A strategic merge of a core object is taken as a merge patch: lists are replaced, not merged by key.

    Raises:
        RefusedError: 415 for a kind of patch that this resource does not take, 400 or 422 for one that does not
            apply.
    """
    kind = content_type.partition(";")[0].strip()
    taken = [JSON, MERGE, *([STRATEGIC] if not resource.group else [])]
    if kind not in taken:
        said = f"the body of the request was in an unknown format - accepted media types include: {', '.join(taken)}"
        raise RefusedError(415, "UnsupportedMediaType", said)
    if kind == JSON:
        if not isinstance(body, list):
            msg = "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
            raise bad_request(msg)
        found: Any = copy.deepcopy(now)
        for step in body:
            found = _stepped(resource, found, step)
    else:
        if not isinstance(body, dict):
            msg = "json: cannot unmarshal the patch into an object"
            raise bad_request(msg)
        found = _merged(now, body)
    return dict(found)


def _merged(now: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    found = dict(now) if isinstance(now, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _merged(found.get(key), value)
    return found


def _stepped(resource: Resource, found: Any, step: dict[str, Any]) -> Any:
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in str(step.get("path", "")).split("/")[1:]]
    operation = step.get("op")
    try:
        here = found
        for part in parents:
            here = here[int(part)] if isinstance(here, list) else here[part]
        _apply(here, last, operation, step)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        name = found["metadata"]["name"]
        why = f"{operation} operation does not apply: {error}"
        raise invalid(resource, name, str(step.get("path")), json.dumps(step), why) from error
    return found


def _apply(here: Any, last: str, operation: object, step: dict[str, Any]) -> None:
    index: Any = last
    if isinstance(here, list):
        index = len(here) if last == "-" else int(last)
    if operation == "add" and isinstance(here, list):
        here.insert(index, step["value"])
    elif operation == "add":
        here[index] = step["value"]
    elif operation == "replace":
        _ = here[index]
        here[index] = step["value"]
    elif operation == "remove":
        del here[index]
    elif operation == "test":
        if here[index] != step["value"]:
            msg = f"testing value {step['path']} failed"
            raise ValueError(msg)
    else:
        msg = f"unknown operation {operation!r}"
        raise ValueError(msg)
