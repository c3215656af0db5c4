"""A way to the object store on which some requests are answered with an error of S3's."""

from __future__ import annotations

import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

HOP_BY_HOP = {"connection", "accept-encoding", "transfer-encoding", "content-length", "server", "date"}


class Store(http.server.ThreadingHTTPServer):
    """Forwards to a store.

    Attributes:
        refused: Method of the requests that fail (any, if empty), and the words that their path holds.
        reply: Status and code that they are answered with.
        asked: Paths of what was refused.
    """

    daemon_threads = True

    def __init__(self, endpoint: str, refused: tuple[str, str], reply: tuple[int, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.endpoint, self.refused, self.reply = endpoint, refused, reply
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """One request: refused, or forwarded as it is."""

    protocol_version = "HTTP/1.1"
    server: Store

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method, holding = self.server.refused
        if method in ("", self.command) and holding in self.path:
            self.server.asked.append(self.path)
            status, code = self.server.reply
            self.answer(status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode())
            return
        headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
        url = self.server.endpoint + self.path
        asked = urllib.request.Request(url, data=body or None, headers=headers, method=self.command)
        try:
            with urllib.request.urlopen(asked, timeout=30) as reply:
                self.answer(reply.status, dict(reply.headers), reply.read())
        except urllib.error.HTTPError as reply:
            self.answer(reply.code, dict(reply.headers), reply.read())

    def answer(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        length = headers.get("Content-Length", str(len(body))) if self.command == "HEAD" else str(len(body))
        for key, value in headers.items():
            if key.lower() not in HOP_BY_HOP:
                self.send_header(key, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815  # names of http.server

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def store_that_says(endpoint: str, status: int, code: str, *, method: str = "", holding: str = "") -> Iterator[Store]:
    """Start the way to a store on which requests of this method and path are answered with a status and a code."""
    store = Store(endpoint, (method, holding), (status, code))
    thread = threading.Thread(target=store.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        store.server_close()
        thread.join()
