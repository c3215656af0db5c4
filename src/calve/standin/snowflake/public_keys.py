"""Public keys as Snowflake takes them: base64 DER without the lines around it, RSA of 2048 bits or a NIST curve.

After "Key-pair authentication and key-pair rotation". Knows nothing of private keys.
"""

import base64
import binascii
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

PublicKey = RSAPublicKey | EllipticCurvePublicKey

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_LEAST_RSA_BITS = 2048


def read_key(text: str) -> PublicKey:
    """Return the key that a text holds.

    Raises:
        ValueError: It is none, or one that Snowflake does not take.
    """
    try:
        key = load_der_public_key(_der(text))
    except (ValueError, UnsupportedAlgorithm, binascii.Error) as error:
        msg = "no public key in base64 DER"
        raise ValueError(msg) from error
    if isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return key
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key
    msg = "neither RSA of 2048 bits nor P-256, P-384 or P-521"
    raise ValueError(msg)


def algorithms(key: PublicKey) -> list[str]:
    """Return the signatures that a key can have made."""
    return ["RS256", "RS384", "RS512"] if isinstance(key, RSAPublicKey) else [_CURVES[key.curve.name]]


def fingerprint(text: str) -> str:
    """Return what DESCRIBE USER shows of a key."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(_der(text)).digest()).decode()}"


def _der(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)
