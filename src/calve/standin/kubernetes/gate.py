"""The gate before a Kubernetes API: an own thread and port on this machine, faults, and a record of what was asked.

Behind it stands the stand-in's API from memory, or in tests a real API server.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from calve.errors import LocalEngineError
from calve.standin.kubernetes.faults import Fault, Faults, Recorded
from calve.standin.kubernetes.play import Play
from calve.standin.kubernetes.scene import Scene
from calve.standin.kubernetes.serving import Front, ResettableProtocol, reset
from calve.standin.kubernetes.watching import Streams

HOST = "127.0.0.1"
START_SECONDS = 20.0


class Behind(Protocol):
    """What answers behind the gate.

    Attributes:
        application: Answers what no fault befell.
        streams: The watches and followed logs that are open.
        scene: The objects, for `play`.
        look_seconds: How often a condition must be looked at though nothing was heard; None never.
    """

    application: ASGIApp
    streams: Streams
    scene: Scene
    look_seconds: float | None

    def start(self) -> None:
        """Be there; whoever resumes a watch from before a `stop` is told 410."""

    def stop(self) -> None:
        """Be away; the objects stay."""

    def serving(self) -> AbstractAsyncContextManager[object]:
        """Return what holds while the gate is open, in the gate's loop."""

    def listening(self, heard: Callable[[], None]) -> AbstractContextManager[object]:
        """Call `heard` whenever something changes, until the block ends."""

    def ring(self) -> None:
        """Wake everybody who listens."""

    def expire_history(self) -> None:
        """Forget what changed so far."""


class Gate:
    """A Kubernetes API on this machine, whose answers can be spoilt.

    Attributes:
        play: Plays the operator, the kubelet and the scheduler.
        faults: What is to befall the next requests.
    """

    def __init__(self, behind: Behind, namespace: str = "default", port: int = 0) -> None:
        self.namespace = namespace
        self.play = Play(behind.scene, namespace)
        self.faults = Faults()
        self._behind = behind
        now = {
            "drop_watches": self.drop_watches,
            "reset_watches": self.reset_watches,
            "expire_history": self.expire_history,
        }
        self._front = Front(behind.application, self.faults, now, behind.ring)
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Serve until `stop`; the server answers when this returns.

        Raises:
            LocalEngineError: The port is taken.
        """
        self._behind.start()
        # Named, because asyncio sends without delay only on a socket that says it is TCP.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self._port))
        except OSError as error:
            listener.close()
            msg = f"Kubernetes stand-in: port {self._port} of {HOST}: {error}, expected it free; choose another port"
            raise LocalEngineError(msg) from error
        # Kept, so that a server that starts again has the address its clients know.
        self._port = listener.getsockname()[1]
        listener.listen(128)
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._serve, args=(listener, ready), name="kubernetes-standin", daemon=True
        )
        self._thread.start()
        ready.wait(START_SECONDS)

    def stop(self) -> None:
        """Cut all connections and be away; the objects stay, and `start` serves them again at the same address."""
        self._close()
        self._behind.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._thread is None or self._loop is None or self._ended is None:
            return
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(START_SECONDS)
        self._loop = self._thread = None

    @property
    def url(self) -> str:
        """Return where it serves."""
        return f"http://{HOST}:{self._port}"

    @property
    def requests(self) -> list[Recorded]:
        """Return every request that arrived, in order; those for faults are not among them."""
        return list(self._front.requests)

    @property
    def open_streams(self) -> int:
        """Return how many watches and followed logs are open."""
        return self._behind.streams.count

    def asked(self, method: str, path: str) -> list[Recorded]:
        """Return the requests of a method whose path contains a text; those that watch are `method="WATCH"`."""

        def seen(each: Recorded) -> str:
            return "WATCH" if each.query.get("watch") else each.method

        return [each for each in self._front.requests if seen(each) == method and path in each.path]

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait until a condition holds: it is looked at again whenever something changes, is asked or is answered.

        Raises:
            TimeoutError: It does not hold after so many seconds.
        """
        ends, rung = time.monotonic() + seconds, threading.Event()
        with self._behind.listening(rung.set):
            while not condition():
                left = ends - time.monotonic()
                if left <= 0:
                    msg = f"Kubernetes stand-in: found the condition unmet after {seconds} s, expected it to hold"
                    raise TimeoutError(msg)
                rung.wait(min(left, self._behind.look_seconds or left))
                rung.clear()

    def fault(self, **fields: object) -> None:
        """Add a fault: `fault(method="POST", path="/pods", status=503, times=2, retry_after=1)`; see `Fault`."""
        self.faults.add(Fault(**fields))  # type: ignore[arg-type]

    def drop_watches(self) -> None:
        """End all watches and followed logs in good order, as a server does after a while."""
        self._behind.streams.drop()

    def reset_watches(self) -> None:
        """Reset the connections of all watches and followed logs."""
        if self._loop is not None:
            for client in list(self._front.watchers):
                self._loop.call_soon_threadsafe(reset, client)

    def expire_history(self) -> None:
        """Forget what changed so far: a watch that resumes from before is told 410."""
        self._behind.expire_history()

    def write_kubeconfig(self, file: Path) -> Path:
        """Write a kubeconfig for this server: one context, no credentials."""
        found = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "stand-in", "cluster": {"server": self.url}}],
            "users": [{"name": "stand-in", "user": {}}],
            "contexts": [
                {
                    "name": "stand-in",
                    "context": {"cluster": "stand-in", "user": "stand-in", "namespace": self.namespace},
                }
            ],
            "current-context": "stand-in",
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        # JSON is YAML too.
        file.write_text(json.dumps(found, indent=2) + "\n")
        return file

    def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        config = uvicorn.Config(self._front, log_level="critical", lifespan="off", timeout_keep_alive=75)
        config.load()

        async def serve() -> None:
            self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
            state = ServerState()
            async with self._behind.serving():
                serving = await self._loop.create_server(
                    lambda: ResettableProtocol(config=config, server_state=state, app_state={}), sock=listener
                )
                ready.set()
                await self._ended.wait()
                # At once, not uvicorn's good order, which costs each test a fifth of a second.
                serving.close()
                for connection in list(state.connections):
                    connection.transport.abort()

        asyncio.run(serve())
