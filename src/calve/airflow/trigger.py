"""Wait, without a worker, for an application or a command pod to end; show its log meanwhile.

Promises one event: how it ended, or that it is gone, was replaced, or outlived a deadline. The deadlines are instants
that the trigger carries, so a restarted triggerer keeps them. It decides nothing: whether the run is published is
asked of the records by the task that goes on.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from kubernetes_asyncio import client
from kubernetes_asyncio.client import ApiClient, ApiException

from calve.airflow.waiting import stored
from calve.airflow.watch import PATIENCE, WATCHING, follower, open_client, pause_of
from calve.kubernetes.manifest import GROUP, PLURAL, VERSION
from calve.kubernetes.names import PREFIX
from calve.kubernetes.states import container_of, has_started, is_over, pod_of, state_of
from calve.redaction import redacted

KILL_SECONDS = 100.0
LOG_SECONDS = 10.0
# Longest time to ask a cluster that doesn't answer, when a deadline is over or an application seems to be gone.
ASK_SECONDS = 300.0
_OURS = f"{PREFIX}dag"  # every workload of an Airflow task has this label


class WorkloadTrigger(BaseTrigger):
    """Follow one application or pod to its end.

    Attributes:
        uid: Of what was created or taken up; another one of the same name is not ours.
        start_until: Unix time by which its process must be up.
        run_seconds: Longest time that the process may take, from the start that the cluster recorded.
    """

    def __init__(self, **fields: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kind: str = fields["kind"]
        self.namespace: str = fields["namespace"]
        self.name: str = fields["name"]
        self.uid: str = fields["uid"]
        self.start_until: float = fields["start_until"]
        self.run_seconds: float = fields["run_seconds"]
        self.kubeconfig: str | None = fields["kubeconfig"]
        self._reader: asyncio.Task[None] | None = None
        self._is_over = asyncio.Event()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes an equal trigger in another process."""
        return stored(self, "kind", "namespace", "name", "uid", "start_until", "run_seconds", "kubeconfig")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield how it ended, once."""
        try:
            how, found = await self._follow()
        finally:
            if self._reader is not None:
                self._reader.cancel()
        status = (found or {}).get("status", {})
        ended = {"how": how, "name": self.name, "uid": self.uid, "state": state_of(found) if found else ""}
        ended["spark_id"] = status.get("sparkApplicationId", "")
        yield TriggerEvent(ended)  # type: ignore[no-untyped-call]

    async def _follow(self) -> tuple[str, dict[str, Any] | None]:
        until, started, told = self.start_until, False, ""
        followed = follower(self.kind, self.namespace, self.kubeconfig, _OURS).follow(self.name)
        async with aclosing(followed) as states:
            upcoming = asyncio.ensure_future(anext(states))
            try:
                while True:
                    await asyncio.wait({upcoming}, timeout=max(until - time.time(), 0.01))
                    is_due, found = not upcoming.done(), None
                    if not is_due:
                        found, upcoming = upcoming.result(), asyncio.ensure_future(anext(states))
                    if found is None or found["metadata"]["uid"] != self.uid:
                        # The watch may be behind. What ends a task is asked of the cluster itself.
                        with suppress(TimeoutError):
                            found = await asyncio.wait_for(self._asked(), ASK_SECONDS)
                            if found is None:
                                return "gone", None
                            if found["metadata"]["uid"] != self.uid:
                                return "replaced", None
                    if found is not None:
                        if state_of(found) != told:
                            told = state_of(found)
                            self.log.info("%s %s is %s", self.kind, self.name, told or "new")
                        if is_over(found):
                            await self._finish_log(found)
                            return "ended", found
                        if has_started(found) and not started:
                            started, until = True, await self._began_at(found) + self.run_seconds
                            self._reader = asyncio.create_task(self._show_log(found))
                            continue
                    if is_due:
                        return ("ran too long" if started else "never started"), None
            finally:
                upcoming.cancel()
                await asyncio.wait({upcoming})

    async def _asked(self) -> dict[str, Any] | None:
        """Ask the cluster until it answers: what there is of this name now."""
        for failures in itertools.count():
            try:
                async with await open_client(self.kubeconfig) as api:
                    if self.kind == "Pod":
                        core = client.CoreV1Api(api)
                        found = await core.read_namespaced_pod(self.name, self.namespace, _request_timeout=PATIENCE)
                    else:
                        found = await client.CustomObjectsApi(api).get_namespaced_custom_object(
                            GROUP, VERSION, self.namespace, PLURAL, self.name, _request_timeout=PATIENCE
                        )
                    return {**api.sanitize_for_serialization(found), "kind": self.kind}
            except ApiException as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return None
                self.log.warning("%s: cluster answers %s %s", self.name, error.status, error.reason)
                await asyncio.sleep(pause_of(failures, error))
            except Exception as error:  # aiohttp's own: whatever it is, the cluster is asked again
                self.log.warning("%s: %s: %s", self.name, type(error).__name__, error)
                await asyncio.sleep(pause_of(failures))
        return None  # not reached: it is asked for ever

    async def _began_at(self, found: dict[str, Any]) -> float:
        """Return when the pod started, as the cluster recorded it: a restarted triggerer counts from there too."""
        with suppress(ApiException, OSError, TimeoutError):
            async with await open_client(self.kubeconfig) as api:
                core = client.CoreV1Api(api)
                pod = await core.read_namespaced_pod(pod_of(found), self.namespace, _request_timeout=PATIENCE)
                if pod.status.start_time is not None:
                    return float(pod.status.start_time.timestamp())
        return time.time()

    async def _finish_log(self, found: dict[str, Any]) -> None:
        """Let the reader come to the end of the log, or read it now if nothing was shown yet."""
        self._is_over.set()
        if self._reader is None:
            self._reader = asyncio.create_task(self._show_log(found))
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._reader), LOG_SECONDS)

    async def _show_log(self, found: dict[str, Any]) -> None:
        """Copy the process's log into the task's: a stream that breaks goes on after the last line shown."""
        shown = ""
        while True:
            is_last, before = self._is_over.is_set(), shown
            try:
                async with await open_client(self.kubeconfig) as api:
                    async for line in _lines(api, self.namespace, found, shown):
                        stamp, _, text = line.partition(" ")
                        stamp = stamp.rstrip("Z")
                        if stamp > before:
                            self.log.info("| %s", redacted(text.rstrip("\n")))
                            shown = stamp
            except ApiException as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    self.log.warning("log of %s: not readable, its pod is gone", self.name)
                    return
            except Exception as error:  # aiohttp's own: the log is shown again from where it broke
                self.log.debug("log of %s: %s", self.name, error)
                is_last = False
                await asyncio.sleep(0.2)
            if is_last:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), 1)

    async def on_kill(self) -> None:
        """Remove the application when a person ends the task, and wait until it and its pods are gone."""
        until = time.monotonic() + KILL_SECONDS
        while time.monotonic() < until:
            try:
                async with await open_client(self.kubeconfig) as api:
                    if await self._delete(api):
                        while time.monotonic() < until and await self._is_there(api):
                            await asyncio.sleep(0.5)
                return  # noqa: TRY300  # it is gone
            except (ApiException, OSError, TimeoutError) as error:
                self.log.warning("removing %s: %s; trying again", self.name, error)
                await asyncio.sleep(1)

    async def _delete(self, api: ApiClient) -> bool:
        """Delete ours; tell whether what has its name may still be of ours."""
        # All options in the body: beside one, the API server reads none of the query.
        policy = None if self.kind == "Pod" else "Foreground"
        ours = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=self.uid), propagation_policy=policy)
        try:
            if self.kind == "Pod":
                await client.CoreV1Api(api).delete_namespaced_pod(
                    self.name, self.namespace, body=ours, _request_timeout=PATIENCE
                )
            else:
                await client.CustomObjectsApi(api).delete_namespaced_custom_object(
                    GROUP, VERSION, self.namespace, PLURAL, self.name, body=ours, _request_timeout=PATIENCE
                )
        except ApiException as error:
            # Another one has the name by now: ours is gone, and that one's pods are not ours to wait for.
            if error.status == HTTPStatus.CONFLICT:
                return False
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        self.log.info("removed %s %s at %s", self.kind, self.name, datetime.now(UTC).isoformat(timespec="seconds"))
        return True

    async def _is_there(self, api: ApiClient) -> bool:
        core, named = client.CoreV1Api(api), f"metadata.name={self.name}"
        if self.kind == "Pod":
            own = await core.list_namespaced_pod(self.namespace, field_selector=named, _request_timeout=PATIENCE)
            return any(pod.metadata.uid == self.uid for pod in own.items)
        selector = f"sparkoperator.k8s.io/app-name={self.name}"
        pods = await core.list_namespaced_pod(self.namespace, label_selector=selector, _request_timeout=PATIENCE)
        if pods.items:
            return True
        # The garbage collector takes the application away a moment after its pods.
        own = await client.CustomObjectsApi(api).list_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURAL, field_selector=named, _request_timeout=PATIENCE
        )
        return any(each["metadata"]["uid"] == self.uid for each in own["items"])


async def _lines(api: ApiClient, namespace: str, found: dict[str, Any], after: str) -> AsyncIterator[str]:
    """Yield lines with their instants; `after` is the instant of the last one seen, which may come again."""
    options: dict[str, Any] = {}
    if after:
        seen_at = datetime.fromisoformat(after[:19]).replace(tzinfo=UTC)
        options["since_seconds"] = max(1, int((datetime.now(UTC) - seen_at).total_seconds()) + 2)
    response: Any = await client.CoreV1Api(api).read_namespaced_pod_log(
        pod_of(found),
        namespace,
        container=container_of(found),
        follow=True,
        timestamps=True,
        _request_timeout=WATCHING,
        _preload_content=False,
        **options,
    )
    # Without preloading, the client hands on an error's body as if it were the log.
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise ApiException(status=response.status, reason=response.reason)
    while line := await response.content.readline():
        yield line.decode(errors="replace")
