"""The stand-in: a Kubernetes API from memory, behind a gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

from starlette.types import ASGIApp

from calve.standin.kubernetes.gate import HOST, Gate
from calve.standin.kubernetes.logs import Logs
from calve.standin.kubernetes.removal import Removal
from calve.standin.kubernetes.routes import Api
from calve.standin.kubernetes.scene import Scene, StoredScene
from calve.standin.kubernetes.store import Store

__all__ = ["HOST", "Server"]


class Server(Gate):
    """A Kubernetes API on this machine, from memory.

    Attributes:
        store, logs, removal: The state; for the runner, and for tests that need more than `play`.
    """

    def __init__(self, namespace: str = "default", port: int = 0) -> None:
        self.store = Store()
        self.logs = Logs(self.store.ring)
        self.removal = Removal(self.store)
        super().__init__(_Memory(self.store, self.logs, self.removal), namespace, port)


class _Memory:
    """The store behind the gate."""

    look_seconds: float | None = None

    def __init__(self, store: Store, logs: Logs, removal: Removal) -> None:
        api = Api(store, logs, removal)
        self._store, self._was_away = store, False
        self.application: ASGIApp = api.application()
        self.streams = api.streams
        self.scene: Scene = StoredScene(store, logs, removal)

    def start(self) -> None:
        """Be there; a server that was away knows nothing of what changed before."""
        if self._was_away:
            self._store.forget()

    def stop(self) -> None:
        """Be away."""
        self._was_away = True

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Hold nothing."""
        yield

    def listening(self, heard: Callable[[], None]) -> AbstractContextManager[object]:
        """Call `heard` after each change."""
        return self._store.listening(heard)

    def ring(self) -> None:
        """Wake everybody who listens."""
        self._store.ring()

    def expire_history(self) -> None:
        """Forget what changed so far; watches that run go on."""
        self._store.forget()
