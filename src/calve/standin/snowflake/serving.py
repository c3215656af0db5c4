"""Starts the HTTP server; a handler can cut its own connection, which a fault needs."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from calve.standin.snowflake.server import Server


class Cuttable(H11Protocol):
    """An HTTP connection that its handler can cut without a reply."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand the transport to the handlers of this connection."""
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await inner({**scope, "calve.transport": transport}, receive, send)

        self.app = app


def uvicorn_server(server: Server, host: str, port: int) -> uvicorn.Server:
    """Return a uvicorn server that listens on host and port once it is run."""
    config = uvicorn.Config(
        server.app(), host=host, port=port, http=Cuttable, log_level="warning", lifespan="off", access_log=False
    )
    return uvicorn.Server(config)
