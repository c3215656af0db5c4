"""Local stand-ins for Slack and PagerDuty: over TLS, as strict as what the services publish, with faults on request."""

from __future__ import annotations

import datetime
import ipaddress
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = tuple[int, dict[str, str], str]
# What a receiver may be told to do with the next request instead of answering it.
DROP, LOSE = "drop", "lose"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def server_context(paths: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paths)
    return context


@dataclass
class Receiver:
    """What arrived, and what the next requests get instead of the usual answer.

    Attributes:
        accepted: Payloads that were taken.
        rejected: What was wrong with those that were not.
        incidents: States of each, by dedup_key.
    faults: An answer, `drop` (closed without reading on) or `lose` (taken, and the answer lost); first one first.
    """

    accepted: list[dict] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    faults: list[Answer | str] = field(default_factory=list)
    incidents: dict[str, list[str]] = field(default_factory=dict)
    requests: int = 0
    port: int = 0
    path: ClassVar[str] = "/"
    is_down: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def url(self) -> str:
        return self.base + self.path

    def answer(self, path: str, kind: str, body: bytes) -> Answer | None:
        with self.lock:
            self.requests += 1
            fault = self.faults.pop(0) if self.faults else DROP if self.is_down else None
            if fault == DROP:
                return None
            if isinstance(fault, tuple):
                return fault
            answer = self.take(path, kind, body)
            return None if fault == LOSE else answer

    def take(self, path: str, kind: str, body: bytes) -> Answer:
        raise NotImplementedError


class Slack(Receiver):
    """An incoming webhook: 200 `ok`, or 400 and a word."""

    path = "/services/T00000000/B00000000/" + "s3cr3tW3bh00k"
    limits: ClassVar = {"header": 150, "section": 3000, "field": 2000, "blocks": 50, "all": 12000}

    def take(self, path: str, kind: str, body: bytes) -> Answer:
        if path != self.path:
            return self._no(404, "no_service", path)
        if not kind.startswith("application/json"):
            return self._no(400, "invalid_payload", kind)
        payload = json.loads(body)
        if wrong := self.wrong(payload):
            return self._no(400, "invalid_blocks", wrong)
        self.accepted.append(payload)
        return 200, {"Content-Type": "text/html"}, "ok"

    def _no(self, status: int, word: str, why: str) -> Answer:
        self.rejected.append(why)
        return status, {"Content-Type": "text/html"}, word

    def wrong(self, payload: dict) -> str:
        """Say what Slack would not take: https://docs.slack.dev/reference/block-kit/blocks."""
        found = payload.get("blocks", [])
        if unknown := set(payload) - {"text", "blocks", "unfurl_links", "unfurl_media"}:
            return f"unknown {unknown}"
        if not payload.get("text") or not 1 <= len(found) <= self.limits["blocks"]:
            return "no text, or too many blocks"
        if len(json.dumps(found)) > self.limits["all"]:
            return "msg_blocks_too_long"
        return next(filter(None, map(self._wrong_block, found)), "")

    def _wrong_block(self, block: dict) -> str:
        if block.get("type") == "header":
            if set(block) != {"type", "text"} or block["text"].get("type") != "plain_text":
                return "header needs plain_text"
            return self._wrong_text(block["text"], "plain_text", self.limits["header"])
        if block.get("type") != "section":
            return f"type {block.get('type')}"
        if "fields" in block:
            if set(block) != {"type", "fields"} or not 1 <= len(block["fields"]) <= 10:
                return "1 to 10 fields"
            return next(
                filter(None, (self._wrong_text(f, "mrkdwn", self.limits["field"]) for f in block["fields"])), ""
            )
        return self._wrong_text(block.get("text", {}), "mrkdwn", self.limits["section"])

    def _wrong_text(self, text: dict, kind: str, longest: int) -> str:
        if set(text) != {"type", "text"} or text["type"] != kind:
            return f"text object {text}"
        if not 1 <= len(text["text"]) <= longest:
            return f"{len(text['text'])} signs of {longest}"
        bare = re.sub(r"<https?://[^|<>\s]+\|[^<>]+>", "", text["text"])
        if kind == "mrkdwn" and (re.search(r"[<>]", bare) or re.search(r"&(?!amp;|lt;|gt;)", bare)):
            return f"not escaped: {bare}"
        return ""


class PagerDuty(Receiver):
    """Events API v2: 202 and JSON, or 400 and what is wrong; keeps incidents as the service does."""

    path = "/v2/enqueue"
    routing_key = "0123456789abcdef" * 2

    def take(self, path: str, kind: str, body: bytes) -> Answer:
        payload = json.loads(body)
        errors = [f"path {path}"] if path != self.path else self.wrong(payload)
        if kind != "application/json":
            errors.append(f"Content-Type {kind}")
        if errors:
            self.rejected += errors
            told = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return 400, {"Content-Type": "application/json"}, json.dumps(told)
        self.accepted.append(payload)
        key, action = payload["dedup_key"], payload["event_action"]
        states = self.incidents.setdefault(key, [])
        if action == "trigger" and (not states or states[-1] == "resolved"):
            states.append("triggered")
        if action == "resolve" and states and states[-1] == "triggered":
            states.append("resolved")
        told = {"status": "success", "message": "Event processed", "dedup_key": key}
        return 202, {"Content-Type": "application/json"}, json.dumps(told)

    def wrong(self, event: dict) -> list[str]:
        """Say what the service would not take: its openapiv3.json, and the limits of its page on events."""
        errors = []
        if event.get("routing_key") != self.routing_key:
            errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
        if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            errors.append("'event_action' is invalid")
        if not 1 <= len(event.get("dedup_key", "")) <= 255:
            errors.append("'dedup_key' is invalid")
        known = {"routing_key", "event_action", "dedup_key"}
        if event.get("event_action") != "trigger":
            return errors + [f"unknown {set(event) - known}"] * bool(set(event) - known)
        if unknown := set(event) - known - {"payload", "links", "images", "client", "client_url"}:
            errors.append(f"unknown {unknown}")
        payload = event.get("payload", {})
        if unknown := set(payload) - {
            "summary", "timestamp", "severity", "source", "component", "group", "class", "custom_details"
        }:  # fmt: skip
            errors.append(f"unknown {unknown}")
        if not 1 <= len(payload.get("summary", "")) <= 1024:
            errors.append("'payload.summary' is missing or too long")
        if payload.get("severity") not in ("critical", "error", "warning", "info"):
            errors.append("'payload.severity' is invalid (must be one of the following: ...)")
        if not payload.get("source"):
            errors.append("'payload.source' is missing or blank")
        datetime.datetime.fromisoformat(payload.get("timestamp", "2026-01-01"))
        if any(set(link) - {"href", "text"} or "href" not in link for link in event.get("links", [])):
            errors.append("'links' is invalid")
        if len(json.dumps(event)) > 512 * 1024:
            errors.append("event is too large")
        return errors


@contextmanager
def serving(receiver: Receiver, paths: tuple[Path, Path]) -> Iterator[Receiver]:
    """Serve a receiver over TLS on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = receiver.answer(self.path, self.headers.get("Content-Type", ""), body)
            if answer is None:
                self.close_connection = True
                return
            status, headers, text = answer
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    server.daemon_threads = True
    server.socket = server_context(paths).wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()
