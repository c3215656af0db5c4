"""The scene of a play in a real cluster: operator, scheduler, kubelet and a person, through the API server."""

import copy
import threading
from collections.abc import Callable
from datetime import datetime

import httpx

from calve.standin.kubernetes.refusals import RefusedError
from calve.standin.kubernetes.resources import PODS, QUOTAS, Object, Resource
from cluster.kubelet import Kubelet, confirm_gone
from cluster.settling import until

TRIES = 20


class RealScene:
    """What a play needs, each as one or two requests."""

    def __init__(self, client: httpx.Client, kubelet: Kubelet) -> None:
        self._client, self._kubelet = client, kubelet
        # Keeps nothing together here; whoever plays is alone in the namespace.
        self.lock = threading.RLock()

    def listed(self, resource: Resource, namespace: str) -> list[Object]:
        found = self._ask("GET", _address(resource, namespace))
        said = {"apiVersion": resource.api_version, "kind": resource.kind}
        return [{**said, **each} for each in found["items"]]

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        try:
            return self.get(resource, namespace, name)
        except RefusedError as refused:
            if refused.code == httpx.codes.NOT_FOUND:
                return None
            raise

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        return self._ask("GET", _address(resource, namespace, name))

    def create(self, resource: Resource, namespace: str, given: Object) -> Object:
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **given}
        made = self._ask("POST", _address(resource, namespace), body)
        if resource is QUOTAS:
            # Until its controller has counted, a quota refuses everything in other words.
            name = made["metadata"]["name"]
            until(lambda: self.get(resource, namespace, name)["status"].get("hard"), f"quota {name} is counted")
        return made

    def change(self, resource: Resource, namespace: str, name: str, edit: Callable[[Object], object]) -> Object:
        for _ in range(TRIES):
            before = self.get(resource, namespace, name)
            found = copy.deepcopy(before)
            edit(found)
            if resource is PODS and found["spec"].get("nodeName") != before["spec"].get("nodeName"):
                self._bind(found)
                continue
            if found.get("status") == before.get("status"):
                return before
            try:
                return self._ask("PUT", f"{_address(resource, namespace, name)}/status", found)
            except RefusedError as refused:
                if refused.code != httpx.codes.CONFLICT:
                    raise
        msg = f"{resource.plural} {name}: changed by others {TRIES} times, expected to get a word in"
        raise TimeoutError(msg)

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        uid = self.get(resource, namespace, name)["metadata"]["uid"]
        self._ask("DELETE", _address(resource, namespace, name), {"propagationPolicy": "Background"})
        if resource is PODS and uid in self._kubelet.held:
            return
        until(lambda: self._uid(resource, namespace, name) != uid, f"{resource.plural} {name} is gone")

    def vanish(self, pod: Object) -> None:
        confirm_gone(self._client, pod)

    def hold_pods(self, namespace: str) -> None:
        self._kubelet.held |= {each["metadata"]["uid"] for each in self.listed(PODS, namespace)}

    def write_log(self, pod: Object, text: str, at: datetime | None) -> None:
        self._kubelet.logs.append(pod["metadata"]["uid"], text, at)

    def _uid(self, resource: Resource, namespace: str, name: str) -> str | None:
        found = self.find(resource, namespace, name)
        return found and found["metadata"]["uid"]

    def _bind(self, pod: Object) -> None:
        metadata = pod["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata["name"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": pod["spec"]["nodeName"]},
        }
        self._ask("POST", f"{_address(PODS, metadata['namespace'], metadata['name'])}/binding", body)

    def _ask(self, method: str, address: str, body: Object | None = None) -> Object:
        answer = self._client.request(method, address, json=body)
        found = answer.json()
        if answer.is_success:
            return found
        raise RefusedError(answer.status_code, found["reason"], found["message"], found.get("details"))


def _address(resource: Resource, namespace: str, *name: str) -> str:
    root = f"/apis/{resource.group}" if resource.group else "/api"
    return "/".join([root, resource.version, "namespaces", namespace, resource.plural, *name])
