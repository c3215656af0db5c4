"""Create, replace and patch, with the checks that the real server makes before it takes a change."""

from __future__ import annotations

import copy
import random
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from calve.standin.kubernetes.refusals import already_exists, bad_request, conflict, forbidden, invalid
from calve.standin.kubernetes.resources import APPLICATIONS, PODS, QUOTAS, Object, Resource
from calve.standin.kubernetes.store import Store

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_LABEL_KEY = rf"({_SUBDOMAIN}/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_NAME_LENGTH, _LABEL_LENGTH = 253, 63
_STALE = "the object has been modified; please apply your changes to the latest version and try again"
# What only the server writes.
_SERVERS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "namespace")


def instant(at: datetime | None = None) -> str:
    """Return an instant as the API writes it, in whole seconds."""
    return (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def create(store: Store, resource: Resource, namespace: str, given: Object) -> Object:
    """Store a new object.

    Raises:
        RefusedError: 400, 403 (quota), 409 (the name is taken) or 422; nothing was stored.
    """
    found = copy.deepcopy(given)
    metadata = _metadata(resource, namespace, found)
    with store.lock:
        name = _name(store, resource, namespace, metadata)
        _check(resource, name, metadata)
        if resource is PODS:
            _check_quota(store, namespace, name)
        if store.find(resource, namespace, name) is not None:
            raise already_exists(resource, name)
        for key in (*_SERVERS, "resourceVersion", "selfLink"):
            metadata.pop(key, None)
        metadata |= {"name": name, "namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": instant()}
        if resource in (APPLICATIONS, PODS):
            metadata["generation"] = 1
        if resource.has_status:
            found.pop("status", None)
        if resource is PODS:
            _default_pod(found)
        if resource is QUOTAS:
            _count_pods(store, namespace, found)
        return store.put(resource, namespace, name, found)


def replace(
    store: Store, resource: Resource, place: tuple[str, str], build: Callable[[Object], Object], subresource: str = ""
) -> Object:
    """Replace an object at `(namespace, name)`, or only its status, by what `build` makes of the present one.

    Raises:
        RefusedError: 404, 409 (stale version or another uid) or 422; nothing was changed.
    """
    namespace, name = place
    with store.lock:
        now = store.get(resource, namespace, name)
        new = build(copy.deepcopy(now))
        metadata = _metadata(resource, namespace, new)
        if metadata.get("name", name) != name:
            msg = f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
            raise bad_request(msg)
        if (uid := metadata.get("uid")) and uid != now["metadata"]["uid"]:
            raise conflict(resource, name, _precondition("UID", uid, now["metadata"]["uid"]))
        version = metadata.get("resourceVersion")
        if not version and resource.must_version:
            raise invalid(resource, name, "metadata.resourceVersion", "0x0", "must be specified for an update")
        if version and version != now["metadata"]["resourceVersion"]:
            raise conflict(resource, name, _STALE)
        if subresource:
            result = now | ({"status": new["status"]} if "status" in new else {})
        else:
            _check(resource, name, metadata)
            result = _merged(resource, now, new)
        return store.put(resource, namespace, name, result)


def check_preconditions(resource: Resource, found: Object, wanted: dict[str, Any]) -> None:
    """Check that an object is still the one that a client means to delete.

    Raises:
        RefusedError: 409.
    """
    metadata = found["metadata"]
    for word, key in (("UID", "uid"), ("ResourceVersion", "resourceVersion")):
        if wanted.get(key) and wanted[key] != metadata[key]:
            raise conflict(resource, metadata["name"], _precondition(word, wanted[key], metadata[key]))


def _precondition(word: str, asked: str, found: str) -> str:
    return f"Precondition failed: {word} in precondition: {asked}, {word} in object meta: {found}"


def _merged(resource: Resource, now: Object, new: Object) -> Object:
    kept = {key: now["metadata"][key] for key in (*_SERVERS, "name") if key in now["metadata"]}
    metadata = {key: value for key, value in new["metadata"].items() if key not in _SERVERS} | kept
    metadata["resourceVersion"] = now["metadata"]["resourceVersion"]
    result = {**new, "metadata": metadata}
    if resource.has_status:
        result.pop("status", None)
        result |= {"status": now["status"]} if "status" in now else {}
    if resource is APPLICATIONS and result.get("spec") != now.get("spec"):
        metadata["generation"] = now["metadata"]["generation"] + 1
    return result


def _metadata(resource: Resource, namespace: str, found: Object) -> dict[str, Any]:
    if not isinstance(found, dict) or not isinstance(found.setdefault("metadata", {}), dict):
        msg = "the object provided is unrecognized: it is no object with metadata"
        raise bad_request(msg)
    for key, wanted in (("apiVersion", resource.api_version), ("kind", resource.kind)):
        if found.setdefault(key, wanted) != wanted:
            word = "API version" if key == "apiVersion" else "kind"
            msg = f"the {word} in the data ({found[key]}) does not match the expected {word} ({wanted})"
            raise bad_request(msg)
    metadata: dict[str, Any] = found["metadata"]
    if metadata.setdefault("namespace", namespace) != namespace:
        msg = "the namespace of the provided object does not match the namespace sent on the request"
        raise bad_request(msg)
    return metadata


def _name(store: Store, resource: Resource, namespace: str, metadata: dict[str, Any]) -> str:
    if metadata.get("name"):
        return str(metadata["name"])
    prefix = metadata.get("generateName")
    if not prefix:
        raise invalid(resource, "", "metadata.name", "", "name or generateName is required")
    while True:
        # The alphabet has no vowel, so that no word comes out.
        name = prefix + "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))  # noqa: S311
        if store.find(resource, namespace, name) is None:
            return str(name)


def _check(resource: Resource, name: str, metadata: dict[str, Any]) -> None:
    if len(name) > _NAME_LENGTH:
        raise invalid(resource, name, "metadata.name", name, f"must be no more than {_NAME_LENGTH} bytes")
    if not re.fullmatch(_SUBDOMAIN, name):
        why = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            f"start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            f"'{_SUBDOMAIN}')"
        )
        raise invalid(resource, name, "metadata.name", name, why)
    for key, value in (metadata.get("labels") or {}).items():
        if not re.fullmatch(_LABEL_KEY, key):
            raise invalid(resource, name, "metadata.labels", key, "name part must consist of alphanumeric characters …")
        if not isinstance(value, str):
            msg = f"metadata.labels.{key}: found {value!r}, expected a string"
            raise bad_request(msg)
        if len(value) > _LABEL_LENGTH:
            raise invalid(resource, name, "metadata.labels", value, f"must be no more than {_LABEL_LENGTH} bytes")
        if not re.fullmatch(_LABEL, value):
            why = (
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
                "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
                f"regex used for validation is '{_LABEL}')"
            )
            raise invalid(resource, name, "metadata.labels", value, why)


def _check_quota(store: Store, namespace: str, name: str) -> None:
    for quota in store.listed(QUOTAS, namespace)[0]:
        if str((quota.get("spec") or {}).get("hard", {}).get("pods")) == "0":
            used = f"used: pods={_used(store, namespace)}, limited: pods=0"
            raise forbidden(PODS, name, f"exceeded quota: {quota['metadata']['name']}, requested: pods=1, {used}")


def _count_pods(store: Store, namespace: str, quota: Object) -> None:
    # What the quota controller does a moment later.
    hard = quota.get("spec", {}).get("hard", {})
    quota["status"] = {"hard": hard, "used": {"pods": str(_used(store, namespace))} if "pods" in hard else {}}


def _used(store: Store, namespace: str) -> int:
    return sum(pod["status"].get("phase") not in ("Succeeded", "Failed") for pod in store.listed(PODS, namespace)[0])


def _default_pod(pod: Object) -> None:
    spec = pod.setdefault("spec", {})
    for key, value in (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
    ):
        spec.setdefault(key, value)
    pod["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
