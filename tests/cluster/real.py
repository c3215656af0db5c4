"""A real API server behind the stand-in's gate: requests are recorded and spoilt there, and answered by Kubernetes."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from calve.standin.kubernetes.gate import Gate
from calve.standin.kubernetes.watching import Bell, Streams
from cluster.control_plane import ControlPlane
from cluster.kubelet import Kubelet
from cluster.scene import RealScene

# Hop by hop, or the gate's own.
OWN_HEADERS = {"host", "connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"}
ACCOUNTS = ("default", "calve-spark")
_numbers = itertools.count(1)


class Cluster:
    """A control plane and its kubelet, for one process and all of its tests."""

    def __init__(self, folder: Path) -> None:
        self.plane = ControlPlane(folder)
        self.plane.start()
        self.client = self.plane.client()
        self.kubelet = Kubelet(self.plane)
        self.kubelet.start()

    def stop(self) -> None:
        self.kubelet.stop()
        self.client.close()
        self.plane.stop()

    def gate(self) -> Gate:
        """Return a gate before a namespace of its own."""
        namespace = f"calve-{next(_numbers)}"
        self.client.post("/api/v1/namespaces", json={"metadata": {"name": namespace}}).raise_for_status()
        for name in ACCOUNTS:
            address = f"/api/v1/namespaces/{namespace}/serviceaccounts"
            self.client.post(address, json={"metadata": {"name": name}}).raise_for_status()
        return Gate(RealApi(self), namespace)


class RealApi:
    """What is behind the gate: hands every request on to the API server, and its answer back as it comes."""

    look_seconds = 0.02

    def __init__(self, cluster: Cluster) -> None:
        self._plane = cluster.plane
        self._listeners: list[Callable[[], None]] = []
        self._upstream: httpx.AsyncClient | None = None
        self._is_away = False
        self.application, self.streams = self._answer, Streams(self.ring)
        self.scene = RealScene(cluster.client, cluster.kubelet)

    def start(self) -> None:
        self._plane.start_apiserver()

    def stop(self) -> None:
        self._plane.kill_apiserver()

    def expire_history(self) -> None:
        """Begin a new API server, which knows nothing of what changed before; requests wait for it meanwhile."""
        self._is_away = True
        self.stop()
        self.start()
        self._is_away = False

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(**self._plane.access(), limits=limits) as self._upstream:
            yield

    @contextmanager
    def listening(self, heard: Callable[[], None]) -> Iterator[None]:
        self._listeners.append(heard)
        try:
            yield
        finally:
            self._listeners.remove(heard)

    def ring(self) -> None:
        for heard in list(self._listeners):
            heard()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = {key: value for key, value in request.headers.items() if key not in OWN_HEADERS}
        query = request.query_params
        goes_on = query.get("watch") in ("true", "True", "1") or query.get("follow") in ("true", "True", "1")
        asked = self._upstream.build_request(
            request.method,
            httpx.URL(request.url.path, query=request.url.query.encode()),
            headers=headers,
            content=await request.body(),
            timeout=None if goes_on else 60,
        )
        while self._is_away:
            await asyncio.sleep(self.look_seconds)
        answer = await self._upstream.send(asked, stream=True)
        kept = {key: value for key, value in answer.headers.items() if key not in OWN_HEADERS}
        body = self._followed(answer) if goes_on and answer.is_success else _whole(answer)
        await StreamingResponse(body, answer.status_code, kept)(scope, receive, send)

    async def _followed(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        """Yield what comes until the server ends it, the client is gone or a test drops it."""
        bell, chunks = Bell(), answer.aiter_raw()
        rung = asyncio.create_task(bell.wait(None))
        coming = asyncio.create_task(anext(chunks, None))
        try:
            with self.streams.open(bell) as stream:
                while not stream.dropped:
                    await asyncio.wait({coming, rung}, return_when=asyncio.FIRST_COMPLETED)
                    if not coming.done() or (found := coming.result()) is None:
                        return
                    coming = asyncio.create_task(anext(chunks, None))
                    yield found
        finally:
            rung.cancel()
            coming.cancel()
            await asyncio.wait({rung, coming})
            await answer.aclose()


async def _whole(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
