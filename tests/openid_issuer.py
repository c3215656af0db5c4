"""An issuer of OpenID tokens that really signs them and publishes its keys, for logins by workload identity."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Issuer:
    """One that listens; `token` signs what a test wants to be said."""

    url: str
    key: ec.EllipticCurvePrivateKey

    def token(self, key: ec.EllipticCurvePrivateKey | None = None, **claims: Any) -> str:
        """Sign a token, by another key than the published one if asked; `claims` replace those of a good one."""
        now = int(time.time())
        good = {"iss": self.url, "sub": "system:serviceaccount:lake:calve", "aud": "snowflakecomputing.com"}
        return jwt.encode(good | {"iat": now, "exp": now + 600} | claims, key or self.key, "ES256", {"kid": "k1"})


@contextmanager
def openid_issuer() -> Iterator[Issuer]:
    """Start an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = f"http://127.0.0.1:{self.server.server_port}"
            pages = {
                "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/keys"},
                "/keys": {"keys": [{**public, "kid": "k1", "use": "sig", "alg": "ES256"}]},
            }
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(pages[self.path]).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Issuer(f"http://127.0.0.1:{server.server_port}", key)
    server.shutdown()
    thread.join(10)
    server.server_close()
