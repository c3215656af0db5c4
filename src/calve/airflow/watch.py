"""Follow applications and pods by one list-watch per namespace and kind, however many triggers wait.

Promises that each follower sees the newest state of its object, and its end, even if the watch was cut, the history
expired (410) or the cluster answered with errors meanwhile: a lost watch is resumed where it stopped, an expired one
begins with a new list. States in between may be skipped. Never holds a worker; never gives up by itself.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio import client, config
from kubernetes_asyncio.client import ApiClient, ApiException
from kubernetes_asyncio.watch import Watch

from calve.kubernetes.manifest import GROUP, PLURAL, VERSION
from calve.kubernetes.workloads import pause_asked

logger = logging.getLogger(__name__)
WATCH_SECONDS = 290
LONGEST_PAUSE_SECONDS = 30.0
# To connect, and to wait for the next byte: a server that is silent longer is asked anew.
PATIENCE = (5.0, 30.0)
WATCHING = (5.0, WATCH_SECONDS + 30.0)
_shared: dict[tuple[object, ...], Follower] = {}  # by event loop, of which a triggerer has one


async def open_client(kubeconfig: str | None) -> ApiClient:
    """Connect as the kubeconfig says, or as the service account of this pod."""
    if kubeconfig:
        found: ApiClient = await config.new_client_from_config(config_file=kubeconfig)
        return found
    settings = client.Configuration()
    config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
    return ApiClient(settings)


def pause_of(failures: int, error: ApiException | None = None) -> float:
    """Return how long to wait after so many failures: as the cluster asks, else longer each time.

    Spread, so that triggers of many processes don't come back in one wave.
    """
    asked = pause_asked(error, 0.5 * 2 ** min(failures, 8))
    return min(asked, LONGEST_PAUSE_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311  # no secret


@dataclass(eq=False)
class Follower:
    """The list-watch of one kind in one namespace; it runs while anybody follows."""

    kind: str
    namespace: str
    kubeconfig: str | None
    selector: str = ""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_listed: bool = False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    followers: int = 0
    pump: asyncio.Task[None] | None = None

    async def follow(self, name: str) -> AsyncGenerator[dict[str, Any] | None, None]:
        """Yield the object as it is now and each time it changed; None while there is none."""
        self.followers += 1
        if self.pump is None or self.pump.done():
            self.pump = asyncio.create_task(self._pump(), name=f"watch {self.kind} in {self.namespace}")
        try:
            seen: object = self
            while True:
                async with self.changed:
                    while not self.is_listed or self._version(name) == seen:
                        await self.changed.wait()
                    seen, found = self._version(name), self.objects.get(name)
                yield found
        finally:
            self.followers -= 1
            if not self.followers and self.pump is not None:
                self.pump.cancel()
                self.pump, self.is_listed = None, False

    def _version(self, name: str) -> object:
        found = self.objects.get(name)
        return found and (found["metadata"].get("uid"), found["metadata"].get("resourceVersion"))

    async def _pump(self) -> None:
        failures, version = 0, ""
        while True:
            pause = 0.0
            try:
                async with await open_client(self.kubeconfig) as api:
                    while True:
                        version = version or await self._list(api)
                        async for seen in self._watch(api, version):
                            failures, version = 0, seen
                        # A server that ends each watch at once is not asked without a pause.
                        await asyncio.sleep(0.1)
            except ApiException as error:
                if error.status == HTTPStatus.GONE:
                    version = ""
                    logger.info("watch of %s: history is over, listing anew", self.kind)
                else:
                    pause = pause_of(failures, error)
                    logger.warning("watch of %s: cluster answers %s %s", self.kind, error.status, error.reason)
            except Exception as error:  # aiohttp's own: whatever it is, the cluster is asked again
                pause = pause_of(failures)
                logger.warning("watch of %s: %s: %s", self.kind, type(error).__name__, error)
            failures += 1
            await asyncio.sleep(pause)

    async def _list(self, api: ApiClient) -> str:
        listed = api.sanitize_for_serialization(await self._call(api))
        async with self.changed:
            self.objects = {item["metadata"]["name"]: {**item, "kind": self.kind} for item in listed["items"]}
            self.is_listed = True
            self.changed.notify_all()
        return str(listed["metadata"]["resourceVersion"])

    async def _watch(self, api: ApiClient, version: str) -> AsyncIterator[str]:
        """Yield the version up to which everything was seen, until the server ends the watch."""
        watch = Watch(return_type="object")
        stream = watch.stream(
            self._call,
            api,
            resource_version=version,
            timeout_seconds=WATCH_SECONDS,
            allow_watch_bookmarks=True,
            _request_timeout=WATCHING,
        )
        async with stream:
            async for event in stream:
                found = event["raw_object"]
                if event["type"] != "BOOKMARK":
                    await self._take(event["type"], found)
                version = found["metadata"]["resourceVersion"]
                yield version
        yield version

    async def _take(self, what: str, found: dict[str, Any]) -> None:
        async with self.changed:
            if what == "DELETED":
                self.objects.pop(found["metadata"]["name"], None)
            else:
                self.objects[found["metadata"]["name"]] = {**found, "kind": self.kind}
            self.changed.notify_all()

    def _call(self, api: ApiClient, **options: Any) -> Any:
        """List, or watch when asked to.

        :param watch: Watch instead of listing.
        """
        options = {"_request_timeout": PATIENCE} | {key: value for key, value in options.items() if value is not None}
        if self.selector:
            options["label_selector"] = self.selector
        if self.kind == "Pod":
            return client.CoreV1Api(api).list_namespaced_pod(self.namespace, **options)
        return client.CustomObjectsApi(api).list_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURAL, **options
        )


def follower(kind: str, namespace: str, kubeconfig: str | None, selector: str = "") -> Follower:
    """Return the list-watch that all triggers of this process and event loop share."""
    key = (asyncio.get_running_loop(), kind, namespace, kubeconfig, selector)
    return _shared.setdefault(key, Follower(kind, namespace, kubeconfig, selector))
