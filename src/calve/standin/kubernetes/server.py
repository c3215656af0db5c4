"""The server: an own thread and an own port on this machine, so that a test or a command can start and end it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from uvicorn.server import ServerState

from calve.errors import LocalEngineError
from calve.standin.kubernetes.faults import Fault, Faults, Recorded
from calve.standin.kubernetes.logs import Logs
from calve.standin.kubernetes.play import Play
from calve.standin.kubernetes.removal import Removal
from calve.standin.kubernetes.routes import Api
from calve.standin.kubernetes.serving import Front, ResettableProtocol, reset
from calve.standin.kubernetes.store import Store

HOST = "127.0.0.1"
START_SECONDS = 20.0


class Server:
    """A Kubernetes API on this machine.

    Attributes:
        play: Plays the operator, the kubelet and the scheduler.
        faults: What is to befall the next requests.
        store, logs, removal: The state; for the runner, and for tests that need more than `play`.
    """

    def __init__(self, namespace: str = "default", port: int = 0) -> None:
        self.namespace = namespace
        self.store = Store()
        self.logs = Logs(self.store.ring)
        self.removal = Removal(self.store)
        self.play = Play(self.store, self.logs, self.removal, namespace)
        self.faults = Faults()
        self._api = Api(self.store, self.logs, self.removal)
        now = {
            "drop_watches": self.drop_watches,
            "reset_watches": self.reset_watches,
            "expire_history": self.expire_history,
        }
        self._front = Front(self._api.application(), self.faults, now, self.store.ring)
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Server:
        """Serve until `stop`; the server answers when this returns.

        Raises:
            LocalEngineError: The port is taken.
        """
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
        return self

    def stop(self) -> None:
        """Cut all connections and stop serving; the state stays, and `start` serves it again at the same address."""
        if self._thread is None or self._loop is None or self._ended is None:
            return
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(START_SECONDS)
        self._loop = self._thread = None

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

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
        return self._api.streams.count

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
        with self.store.listening(rung.set):
            while not condition():
                if not rung.wait(max(0.0, ends - time.monotonic())):
                    msg = f"Kubernetes stand-in: found the condition unmet after {seconds} s, expected it to hold"
                    raise TimeoutError(msg)
                rung.clear()

    def fault(self, **fields: object) -> None:
        """Add a fault: `fault(method="POST", path="/pods", status=503, times=2, retry_after=1)`; see `Fault`."""
        self.faults.add(Fault(**fields))  # type: ignore[arg-type]

    def drop_watches(self) -> None:
        """End all watches and followed logs in good order, as a server does after a while."""
        self._api.streams.drop()

    def reset_watches(self) -> None:
        """Reset the connections of all watches and followed logs."""
        if self._loop is not None:
            for client in list(self._front.watchers):
                self._loop.call_soon_threadsafe(reset, client)

    def expire_history(self) -> None:
        """Forget what changed so far: a watch that resumes from before is told 410; those that run go on."""
        self.store.forget()

    def bookmark_every(self, seconds: float) -> None:
        """Send bookmarks to the watches that allow them this often; 60 s like the real server until then."""
        self._api.bookmark_seconds = seconds

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
