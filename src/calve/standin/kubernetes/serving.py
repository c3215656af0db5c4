"""HTTP around the API: every request is recorded, and what faults ask for befalls it.

`POST /_faults` adds a fault (the fields of `Fault`), or does one thing now: `{"now": "drop_watches"}`, `{"now":
"reset_watches"}`, `{"now": "expire_history"}`. `GET /_faults` shows those to come, `DELETE /_faults` forgets them,
`GET /_requests` shows what was asked. These addresses are not recorded and never fail.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from calve.standin.kubernetes.faults import Fault, Faults, Recorded
from calve.standin.kubernetes.refusals import REASONS, status_object

_transports: dict[tuple[str, int], asyncio.Transport] = {}


class ResettableProtocol(H11Protocol):
    """HTTP over connections that can be reset."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Know the connection by its client's address."""
        super().connection_made(transport)
        _transports[transport.get_extra_info("peername")[:2]] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self.client is not None:
            _transports.pop(self.client, None)
        super().connection_lost(exc)


def reset(client: tuple[str, int]) -> None:
    """Reset the connection of a client: it gets a RST, no answer. Only in the server's loop."""
    if transport := _transports.get(client):
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class Front:
    """The ASGI application that stands before the API."""

    def __init__(
        self, api: ASGIApp, faults: Faults, now: dict[str, Callable[[], None]], heard: Callable[[], None]
    ) -> None:
        self._api, self._faults, self._now, self._heard = api, faults, now, heard
        self.requests: list[Recorded] = []
        self.watchers: set[tuple[str, int]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.url.path.startswith("/_"):
            await (await self._own(request))(scope, receive, send)
            return
        agent = request.headers.get("user-agent", "")
        recorded = Recorded(request.method, request.url.path, dict(request.query_params), agent)
        self.requests.append(recorded)
        self._heard()
        fault = self._faults.take(request.method, f"{request.url.path}?{request.url.query}")
        client = scope["client"]
        if fault is not None and await self._befall(fault, recorded, (scope, receive, send)):
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                recorded.status = message["status"]
            await send(message)

        goes_on = recorded.query.get("watch") or recorded.query.get("follow")
        if goes_on:
            self.watchers.add(client)
        try:
            await self._api(scope, receive, noting)
        finally:
            self.watchers.discard(client)
            self._heard()

    async def _befall(self, fault: Fault, recorded: Recorded, call: tuple[Scope, Receive, Send]) -> bool:
        """Let a fault befall a request; tell whether that was its answer."""
        scope, receive, send = call
        if fault.latency_seconds:
            await asyncio.sleep(fault.latency_seconds)
        if fault.status is None and not fault.reset:
            return False
        if fault.applied:
            await self._api(scope, receive, _unheard)
        if fault.reset:
            reset(scope["client"])
            return True
        code = fault.status or 500
        recorded.status = code
        headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
        await _answer(fault, code, headers)(scope, receive, send)
        return True

    async def _own(self, request: Request) -> Response:
        if request.url.path == "/_requests":
            return JSONResponse([vars(each) for each in self.requests])
        if request.url.path != "/_faults":
            return PlainTextResponse("404 page not found\n", 404)
        if request.method == "DELETE":
            self._faults.clear()
        if request.method == "POST":
            asked: dict[str, Any] = json.loads(await request.body())
            try:
                self._now[asked["now"]]() if "now" in asked else self._faults.add(Fault(**asked))
            except (KeyError, TypeError) as error:
                known = ", ".join(self._now)
                return PlainTextResponse(f"fault: {error}; expected the fields of Fault, or now: one of {known}\n", 400)
        return JSONResponse(self._faults.waiting())


def _answer(fault: Fault, code: int, headers: dict[str, str]) -> Response:
    if isinstance(fault.body, str):
        return PlainTextResponse(fault.body, code, headers)
    if fault.body is not None:
        return JSONResponse(fault.body, code, headers)
    reason = REASONS.get(code, "Unknown")
    details = {"retryAfterSeconds": fault.retry_after} if fault.retry_after is not None else None
    return JSONResponse(status_object(code, reason, f"stand-in: {reason} was asked for", details), code, headers)


async def _unheard(message: Message) -> None:
    """Take an answer that nobody gets."""
