"""A TCP proxy before PostgreSQL that can lose the reply to the commit of a publication, or the commit itself."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Literal

Fault = Literal["reply lost", "commit lost"]


class LossyProxy:
    """Forward bytes; do the fault once, at the first COMMIT after a publication record was inserted."""

    def __init__(self, server: Path, fault: Fault, *, then_down: bool = False) -> None:
        self.server = str(server / ".s.PGSQL.5432")
        self.fault = fault
        self.then_down = then_down
        self.done = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.done.is_set() and self.then_down:
                client.close()
                continue
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(self.server)
            muted = threading.Event()
            threading.Thread(target=self._to_client, args=(upstream, client, muted), daemon=True).start()
            threading.Thread(target=self._to_server, args=(client, upstream, muted), daemon=True).start()

    def _to_server(self, client: socket.socket, upstream: socket.socket, muted: threading.Event) -> None:
        armed = False
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                armed = armed or b"insert into calve.publication" in data
                if armed and b"COMMIT\0" in data and not self.done.is_set():
                    self.done.set()
                    muted.set()
                    if self.fault == "reply lost":
                        upstream.sendall(data)
                        return
                    break
                upstream.sendall(data)
        _hang_up(upstream)
        _hang_up(client)

    def _to_client(self, upstream: socket.socket, client: socket.socket, muted: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := upstream.recv(65536):
                if muted.is_set():
                    break
                client.sendall(data)
        _hang_up(upstream)
        _hang_up(client)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
