"""The way to log in to Snowflake that the settings choose, as the connector's options.

Promises exactly one way, and that a key which can't be used is found before anything is sent. No message holds a
word of a key, a passphrase or a token; the fingerprint of the public key is no secret.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from calve.errors import SettingsError
from calve.settings import Settings

Key = RSAPrivateKey | EllipticCurvePrivateKey

_KEY = "CALVE_SNOWFLAKE_PRIVATE_KEY"
_PASSPHRASE = "CALVE_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE"  # noqa: S105  # the variable's name
_TOKEN_FILE = "CALVE_SNOWFLAKE_TOKEN_FILE"  # noqa: S105  # the variable's name


@dataclass(frozen=True)
class Login:
    """One way to log in.

    Attributes:
        way: For people; holds no secret.
        options: For `snowflake.connector.connect`.
        advice: What to check when Snowflake refuses the login.
    """

    way: str
    options: Mapping[str, Any] = field(repr=False)
    advice: str


def login_of(settings: Settings) -> Login:
    """Return the way that the settings choose.

    Raises:
        SettingsError: None is chosen, the key can't be used, or the token can't be read.
    """
    ways = settings.snowflake_logins
    if "snowflake_private_key" in ways:
        return _by_key_pair(settings)
    if settings.snowflake_workload_identity:
        return _by_workload_identity(settings.snowflake_workload_identity, settings.snowflake_token_file)
    if not ways:
        msg = (
            "snowflake: found no way to log in, expected one; set CALVE_SNOWFLAKE_PASSWORD, "
            f"{_KEY} or CALVE_SNOWFLAKE_WORKLOAD_IDENTITY"
        )
        raise SettingsError(msg)
    options = {"user": settings.snowflake_user, "password": settings.snowflake_password.get_secret_value()}
    return Login("password", options, "CALVE_SNOWFLAKE_USER, CALVE_SNOWFLAKE_PASSWORD")


def _by_key_pair(settings: Settings) -> Login:
    text, passphrase = settings.snowflake_private_key, settings.snowflake_private_key_passphrase
    key = _private_key(text.get_secret_value() if text else "", passphrase.get_secret_value() if passphrase else "")
    options = {
        "user": settings.snowflake_user,
        "authenticator": "SNOWFLAKE_JWT",
        "private_key": key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    }
    advice = (
        f"CALVE_SNOWFLAKE_USER, {_KEY} (its public key is {_fingerprint(key)}: DESCRIBE USER lists those "
        "that Snowflake knows), CALVE_SNOWFLAKE_ACCOUNT, the clock"
    )
    return Login(f"key pair {_fingerprint(key)}", options, advice)


def _by_workload_identity(provider: str, token_file: Path | None) -> Login:
    """Name no user: Snowflake finds the one that the identity belongs to ("Workload identity federation")."""
    options: dict[str, Any] = {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": provider}
    advice = "CALVE_SNOWFLAKE_WORKLOAD_IDENTITY, the WORKLOAD_IDENTITY of the user"
    if token_file is not None:
        _check_token(token_file)
        options["token_file_path"] = str(token_file)
        advice = f"{advice}, issuer, subject and audience of the token in {_TOKEN_FILE}"
    return Login(f"workload identity {provider}", options, advice)


def _check_token(file: Path) -> None:
    try:
        found = "an empty file" if not file.read_text(encoding="ascii").strip() else ""
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or "a file that holds no token"
    if found:
        msg = f"{_TOKEN_FILE} {file}: found {found}, expected a token; check the volume that projects it"
        raise SettingsError(msg)


def _private_key(text: str, passphrase: str) -> Key:
    is_encrypted = "ENCRYPTED" in text
    if "-----BEGIN " not in text:
        raise _wrong_key(
            found="found no PEM text", expected="the text of the file, from -----BEGIN to the end, with its lines"
        )
    if is_encrypted and not passphrase:
        raise _wrong_key(
            found="found it encrypted", expected=f"{_PASSPHRASE} beside it; set it, or give a key in the clear"
        )
    if passphrase and not is_encrypted:
        raise _wrong_key(found="found a key in the clear", expected=f"none beside {_PASSPHRASE}; unset the passphrase")
    try:
        key = load_pem_private_key(text.encode(), passphrase.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What the library says may quote the text, so it stays out of the message and of the traceback.
        found = f"could not decrypt it with {_PASSPHRASE}" if is_encrypted else "could not read it"
        raise _wrong_key(found=found, expected="a private key, PKCS#8 in PEM; check that both are whole") from None
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise _wrong_key(found=f"found a {type(key).__name__.lstrip('_')}", expected="RSA or EC; make another")
    return key


def _wrong_key(*, found: str, expected: str) -> SettingsError:
    return SettingsError(f"private key ({_KEY}): {found}, expected {expected}")


def _fingerprint(key: Key) -> str:
    """Return what DESCRIBE USER shows as RSA_PUBLIC_KEY_FP."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{base64.b64encode(hashlib.sha256(public).digest()).decode()}"
