"""The resources that the stand-in knows, and how the API names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource of the API.

    Attributes:
        group: Empty for the core group.
        has_status: It has the subresource `/status`; the resource itself then never changes `.status`.
        must_version: A PUT without a resource version is refused, as for all custom resources.
        fields: What a field selector may ask besides name and namespace.
    """

    group: str
    version: str
    plural: str
    kind: str
    has_status: bool = True
    must_version: bool = False
    fields: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """Return what an object says in `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Return the name that the server's messages use."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


APPLICATIONS = Resource("sparkoperator.k8s.io", "v1beta2", "sparkapplications", "SparkApplication", must_version=True)
PODS = Resource("", "v1", "pods", "Pod", fields=("status.phase", "spec.nodeName", "spec.restartPolicy"))
EVENTS = Resource(
    "",
    "v1",
    "events",
    "Event",
    has_status=False,
    fields=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "reason",
        "type",
    ),
)
QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
RESOURCES = (APPLICATIONS, PODS, EVENTS, QUOTAS)


def find(group: str, version: str, plural: str) -> Resource | None:
    """Return the resource that an address means."""
    wanted = (group, version, plural)
    return next((each for each in RESOURCES if (each.group, each.version, each.plural) == wanted), None)


def discovery(group: str, version: str) -> Object:
    """Return the APIResourceList of one group and version."""
    found = []
    for each in RESOURCES:
        if (each.group, each.version) != (group, version):
            continue
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        entry = {"name": each.plural, "singularName": each.kind.lower(), "namespaced": True, "kind": each.kind}
        found.append({**entry, "verbs": verbs})
        if each.has_status:
            found.append({**entry, "name": f"{each.plural}/status", "singularName": "", "verbs": ["patch", "update"]})
        if each is PODS:
            found.append({**entry, "name": "pods/log", "singularName": "", "verbs": ["get"]})
    together = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": together, "resources": found}


def groups() -> Object:
    """Return the APIGroupList."""
    version = {"groupVersion": APPLICATIONS.api_version, "version": APPLICATIONS.version}
    group = {"name": APPLICATIONS.group, "versions": [version], "preferredVersion": version}
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}
