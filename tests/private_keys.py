"""Private keys made for a test, and what Snowflake and calve are told of them."""

import base64
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Return the key of this name, the same one each time."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(key: Key) -> str:
    """Return what ALTER USER … SET RSA_PUBLIC_KEY takes."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def der(key: Key) -> bytes:
    """Return what the connector takes."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def pem(key: Key, passphrase: str = "") -> str:
    """Return what CALVE_SNOWFLAKE_PRIVATE_KEY takes."""
    hidden = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden).decode()
