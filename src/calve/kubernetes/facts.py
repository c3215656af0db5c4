"""Collect what the cluster and the records know of an application.

Every part is read as well as it goes: what can't be read is named among the facts, and keeps nothing else from being
read. Changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from calve.errors import CalveError, SettingsError
from calve.kubernetes.evidence import Facts, Json, Proof
from calve.kubernetes.manifest import GROUP, PLURAL, VERSION
from calve.kubernetes.names import RUN
from calve.kubernetes.states import container_of, pod_of
from calve.kubernetes.workloads import open_client
from calve.lake.lease import holders
from calve.lake.published import find_publication, newest
from calve.lake.records import connect, first_line
from calve.lake.verdicts import verdicts_of
from calve.redaction import redacted
from calve.runs import Run
from calve.settings import RecordsSettings

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

LOG_LINES = 500
_EXECUTORS = 3
_NOT_THERE = 404
_RAW: dict[str, Any] = {"_preload_content": False, "_request_timeout": (5, 30)}
T = TypeVar("T")


def open_cluster(kubeconfig: Path | None) -> ApiClient:
    """Connect as a kubeconfig says: the given one, else in a pod its service account, else the one that kubectl takes.

    Raises:
        SettingsError: There is none, or it can't be read.
    """
    from kubernetes import config

    try:
        if kubeconfig is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
            return config.new_client_from_config()
        return open_client(kubeconfig)
    except (config.ConfigException, OSError) as error:
        said = redacted(first_line(error))
        msg = f"kubeconfig: {said}, expected the address of a cluster; set CALVE_KUBERNETES_KUBECONFIG or KUBECONFIG"
        raise SettingsError(msg) from None


def collect(
    client: ApiClient,
    name: str,
    namespace: str,
    *,
    prove: Callable[[str], Proof] | None = None,
    run_key: str | None = None,
    deadline: str = "",
) -> Facts:
    """Return what is known of the application of this name, or of the pod when no application has it.

    Args:
        prove: Reads what the records say of a run key, e.g. `read_proof` with its settings.
        run_key: What it works for; None means what it says itself, which it can't when it is gone.
        deadline: Which limit passed while the caller waited, e.g. `6 h to run`.
    """
    reading = _Reading(client, namespace)
    application = reading.part("application", lambda: reading.application(name))
    if application is None and not reading.unreadable:
        application = reading.part("pod", lambda: reading.pod(name))
    is_pod = (application or {}).get("kind") == "Pod"
    pods = [] if is_pod else reading.part("driver pod and executors", lambda: reading.pods(name)) or []
    driver = application if is_pod else next((each for each in pods if _role(each) == "driver"), None)
    executors = [each for each in pods if _role(each) == "executor"]
    pod = pod_of(application) if application else f"{name}-driver"
    of = [name, pod, *[each["metadata"]["name"] for each in executors if _phase(each) in ("Pending", "Failed")]]
    log = None
    if driver is not None:
        log = reading.part("log", lambda: reading.log(pod, container_of(application or {"kind": "SparkApplication"})))
    key = run_key or ((application or {}).get("metadata", {}).get("annotations") or {}).get(RUN)
    return Facts(
        name=name,
        namespace=namespace,
        looked_at=datetime.now(UTC),
        application=application,
        driver=driver,
        executors=tuple(executors),
        events=tuple(reading.part("events", lambda: reading.events(of[: 2 + _EXECUTORS])) or ()),
        quotas=tuple(reading.part("quotas", reading.quotas) or ()),
        log=tuple(log or ()),
        proof=reading.part("records", lambda: prove(key)) if prove and key else None,
        deadline=deadline,
        unreadable=tuple(reading.unreadable),
    )


def read_proof(settings: RecordsSettings, run_key: str) -> Proof:
    """Return what the records say of a run.

    Raises:
        CalveError: The records can't be read, or the key is none.
    """
    run = Run.parse(run_key)
    with connect(settings) as conn:
        publication = find_publication(conn, run_key)
        verdicts = verdicts_of(conn, run_key)
        last, lease = newest(conn).get(run.pipeline), holders(conn).get(run.pipeline)
    return Proof(
        run_key=run_key,
        publication=publication.number if publication else None,
        blocked=tuple(
            f"{verdict.dataset} {result.rule}: {result.detail}"
            for verdict in verdicts
            for result in verdict.results
            if result.outcome == "blocked"
        ),
        holder=f"{lease.run_key} on {lease.holder}" if lease else "",
        last_good=f"publication {last.number} of {last.run_key}, {last.published_at:%Y-%m-%d %H:%M} UTC"
        if last
        else "",
    )


@dataclass
class _Reading:
    """Asks the cluster, and keeps what it could not read."""

    client: ApiClient
    namespace: str
    unreadable: list[str] = field(default_factory=list)

    def part(self, name: str, read: Callable[[], T]) -> T | None:
        """Read one part; None when it is not there or can't be read."""
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return read()
        except ApiException as error:
            if error.status != _NOT_THERE:
                self.unreadable.append(f"{name}: {error.status} {error.reason}")
        except (HTTPError, OSError) as error:
            self.unreadable.append(f"{name}: no answer ({type(error).__name__})")
        except (CalveError, psycopg.Error) as error:
            self.unreadable.append(f"{name}: {redacted(first_line(error))}")
        return None

    def application(self, name: str) -> Json:
        from kubernetes.client import CustomObjectsApi

        asked = CustomObjectsApi(self.client).get_namespaced_custom_object
        return _json(asked(GROUP, VERSION, self.namespace, PLURAL, name, **_RAW))

    def pod(self, name: str) -> Json:
        return {**_json(self._core.read_namespaced_pod(name, self.namespace, **_RAW)), "kind": "Pod"}

    def pods(self, name: str) -> list[Json]:
        mine = f"sparkoperator.k8s.io/app-name={name}"
        return _items(self._core.list_namespaced_pod(self.namespace, label_selector=mine, **_RAW))

    def quotas(self) -> list[Json]:
        return _items(self._core.list_namespaced_resource_quota(self.namespace, **_RAW))

    def log(self, pod: str, container: str) -> list[str]:
        asked = self._core.read_namespaced_pod_log
        found = asked(pod, self.namespace, container=container, tail_lines=LOG_LINES, **_RAW)
        return str(found.data.decode("utf-8", "replace")).splitlines()

    def events(self, names: list[str]) -> list[Json]:
        found: list[Json] = []
        for name in dict.fromkeys(names):
            about = f"involvedObject.name={name}"
            found += _items(self._core.list_namespaced_event(self.namespace, field_selector=about, **_RAW))
        return sorted(found, key=_moment)

    @property
    def _core(self) -> Any:
        from kubernetes.client import CoreV1Api

        return CoreV1Api(self.client)


def _json(response: Any) -> Json:
    found: Json = json.loads(response.data)
    return found


def _items(response: Any) -> list[Json]:
    found: list[Json] = _json(response).get("items") or []
    return found


def _role(pod: Json) -> str:
    return str((pod["metadata"].get("labels") or {}).get("spark-role") or "")


def _phase(pod: Json) -> str:
    return str((pod.get("status") or {}).get("phase") or "")


def _moment(event: Json) -> str:
    said = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or ""
    return str(said)[:19]
