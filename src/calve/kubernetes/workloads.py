"""Create, take up and remove applications and command pods, from a process that waits for the answers.

Promises that asking twice creates once: names are deterministic, and a reply that was lost is looked up. What an
earlier try left is taken up only when it is the same and still goes on; else it is removed, and its pods waited for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from calve.errors import ClusterUnavailableError, ManifestError
from calve.kubernetes.manifest import GROUP, PLURAL, VERSION
from calve.kubernetes.names import SPEC
from calve.kubernetes.states import is_leaving, is_over, state_of

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, ApiException

logger = logging.getLogger(__name__)
T = TypeVar("T")
TRIES = 6
PATIENCE_SECONDS = 120.0
# Seconds to connect, and to wait for an answer.
_PATIENCE = {"_request_timeout": (5, 30)}
_TEMPORARY = {408, 429, 500, 502, 503, 504}


def open_client(kubeconfig: Path | str | None) -> ApiClient:
    """Connect as the kubeconfig says, or as the service account of this pod."""
    from kubernetes import client, config

    if kubeconfig:
        return config.new_client_from_config(config_file=str(kubeconfig))
    found = client.Configuration()
    config.load_incluster_config(client_configuration=found)
    return client.ApiClient(found)


class Workloads:
    """The applications, or the command pods, of one namespace."""

    def __init__(self, client: ApiClient, kind: str, namespace: str) -> None:
        from kubernetes.client import CoreV1Api, CustomObjectsApi

        self.kind, self.namespace, self._client = kind, namespace, client
        self._custom, self._core = CustomObjectsApi(client), CoreV1Api(client)

    def get(self, name: str) -> dict[str, Any] | None:
        """Return one by name; None when there is none."""
        found: dict[str, Any] | None
        if self.kind == "Pod":
            found = self._ask(lambda: self._core.read_namespaced_pod(name, self.namespace, **_PATIENCE))
        else:
            found = self._ask(lambda: self._custom.get_namespaced_custom_object(*self._place, name, **_PATIENCE))
        return found

    def find(self, selector: str) -> list[dict[str, Any]]:
        """Return those with these labels."""
        if self.kind == "Pod":
            found = self._ask(
                lambda: self._core.list_namespaced_pod(self.namespace, label_selector=selector, **_PATIENCE)
            )
        else:
            found = self._ask(
                lambda: self._custom.list_namespaced_custom_object(*self._place, label_selector=selector, **_PATIENCE)
            )
        return [{**item, "kind": self.kind} for item in (found or {}).get("items", [])]

    def submit(self, body: dict[str, Any], selector: str) -> dict[str, Any]:
        """Create what the manifest says, or take up what this try or a live equal earlier one created.

        Raises:
            ManifestError: The cluster refuses it; a retry can't help.
            ClusterUnavailableError: The cluster does not answer, or has no room; a retry may help.
        """
        name, wanted = body["metadata"]["name"], _spec_of(body)
        for left in self.find(selector):
            is_ours = left["metadata"]["name"] == name
            is_same = _spec_of(left) == wanted and not is_over(left) and not is_leaving(left)
            if is_same or (is_ours and not is_leaving(left)):
                logger.info("taken up %s, which is %s", left["metadata"]["name"], state_of(left) or "new")
                return left
            if is_ours or not is_over(left):
                logger.warning("removing %s of an earlier try", left["metadata"]["name"])
                self.remove(left["metadata"]["name"])
        return self._create(body, name)

    def _create(self, body: dict[str, Any], name: str) -> dict[str, Any]:
        from kubernetes.client import ApiException

        for attempt in range(TRIES):
            try:
                if self.kind == "Pod":
                    made = self._core.create_namespaced_pod(self.namespace, body, **_PATIENCE)
                else:
                    made = self._custom.create_namespaced_custom_object(*self._place, body, **_PATIENCE)
                return self._plain(made)
            except ApiException as error:
                # Somebody with this name is there: this very try, whose answer was lost.
                if error.status == HTTPStatus.CONFLICT and (found := self.get(name)) is not None:
                    return found
                if error.status not in _TEMPORARY | {HTTPStatus.CONFLICT}:
                    raise _refused(name, error) from error
                _wait(error, attempt)
            except Exception as error:  # urllib3's own: the connection was lost, and the answer with it
                logger.warning("create %s: %s; looking whether it is there", name, type(error).__name__)
                _wait(None, attempt)
        msg = f"{self.kind} {name}: not created after {TRIES} tries, expected the cluster to answer; run the task again"
        raise ClusterUnavailableError(msg)

    def remove(self, name: str, patience: float = PATIENCE_SECONDS) -> bool:
        """Delete one and wait until it and its pods are gone; tell whether they are."""
        until = time.monotonic() + patience
        self._delete(name)
        while time.monotonic() < until:
            pods = self._ask(
                lambda: self._core.list_namespaced_pod(
                    self.namespace, label_selector=f"sparkoperator.k8s.io/app-name={name}", **_PATIENCE
                )
            )
            if self.get(name) is None and not (pods or {}).get("items"):
                return True
            time.sleep(0.5)
        logger.warning("%s %s: still there %.0f s after it was deleted", self.kind, name, patience)
        return False

    def _delete(self, name: str) -> None:
        if self.kind == "Pod":
            self._ask(lambda: self._core.delete_namespaced_pod(name, self.namespace, **_PATIENCE))
        else:
            self._ask(
                lambda: self._custom.delete_namespaced_custom_object(
                    *self._place, name, propagation_policy="Foreground", **_PATIENCE
                )
            )

    @property
    def _place(self) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self.namespace, PLURAL

    def _plain(self, found: Any) -> dict[str, Any]:
        plain: dict[str, Any] = self._client.sanitize_for_serialization(found)
        return plain if "items" in plain else {**plain, "kind": self.kind}

    def _ask(self, call: Callable[[], Any]) -> Any:
        """Ask until the cluster answers; None when what is asked for is not there."""
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        for attempt in range(TRIES):
            try:
                return self._plain(call())
            except ApiException as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return None
                if error.status not in _TEMPORARY:
                    raise _refused(self.kind, error) from error
                _wait(error, attempt)
            except HTTPError:
                _wait(None, attempt)
        msg = f"cluster: no answer after {TRIES} tries, expected one about {self.kind}; run the task again"
        raise ClusterUnavailableError(msg)


def pause_asked(error: Any, otherwise: float) -> float:
    """Return the seconds that an answer of the cluster asks for in `Retry-After`; a date counts as not said."""
    try:
        return float(error.headers["Retry-After"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return otherwise


def _wait(error: ApiException | None, attempt: int) -> None:
    time.sleep(min(pause_asked(error, 0.25 * 2**attempt), 10.0))


def _refused(name: str, error: ApiException) -> Exception:
    said = str(error.body or error.reason)[:500]
    if error.status == HTTPStatus.FORBIDDEN and "exceeded quota" in said:
        return ClusterUnavailableError(f"{name}: no room in the namespace's quota: {said}; wait, or raise the quota")
    if error.status in (401, 403):
        return ManifestError(f"{name}: the cluster does not let us ({error.status}): {said}; look at the Role")
    return ManifestError(f"{name}: the cluster refuses it ({error.status}): {said}; correct the manifest")


def _spec_of(workload: dict[str, Any]) -> str | None:
    found: str | None = (workload["metadata"].get("annotations") or {}).get(SPEC)
    return found
