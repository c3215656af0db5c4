"""Logins without a password: a token signed with the user's key, or by the provider of the workload's identity.

Promises to verify each token really: signature, times, and whom it names, as "Key-pair authentication and key-pair
rotation" and "Workload identity federation" say. Why one was refused stands in the log only, under the id that the
client is told. Takes no provider's word but that of the issuer which a user's WORKLOAD_IDENTITY names.
"""

import json
import logging
import time
import urllib.request
import uuid
from typing import Any

import jwt

from calve.standin.snowflake.catalog import Login, State
from calve.standin.snowflake.failures import LoginError
from calve.standin.snowflake.public_keys import algorithms, fingerprint, read_key

logger = logging.getLogger(__name__)

LONGEST_AGE_SECONDS = 60
_ISSUER_SECONDS = 5
_OF_ISSUERS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]


def user_by_key_pair(data: dict[str, Any], state: State) -> str:
    """Return the user whose key signed the token of a login.

    Raises:
        LoginError: The token is not one that this user made for this account a moment ago.
    """
    user = str(data.get("LOGIN_NAME") or "").upper()
    account = str(data.get("ACCOUNT_NAME") or "").partition(".")[0].upper()
    try:
        _check_signed(str(data.get("TOKEN", "")), account, user, state.logins.get(user, Login()))
    except (jwt.PyJWTError, ValueError) as error:
        raise _refused(code="390144", message="JWT token is invalid.", user=user, error=error) from error
    return user


def user_by_identity(data: dict[str, Any], state: State) -> str:
    """Return the user that the token's issuer and subject belong to.

    Raises:
        LoginError: There is none, or the issuer did not make the token for Snowflake, or not lately.
    """
    if (provider := str(data.get("PROVIDER", "")).upper()) != "OIDC":
        raise LoginError(code="390101", message=f"calve stand-in does not model workload identity of {provider}.")
    name = str(data.get("LOGIN_NAME") or "").upper()
    try:
        return _attested(str(data.get("TOKEN", "")), name, state)
    except (jwt.PyJWTError, ValueError, OSError) as error:
        raise _refused(code="390101", message="Workload identity is not valid.", user=name, error=error) from error


def _check_signed(token: str, account: str, user: str, login: Login) -> None:
    said = jwt.decode(token, options={"verify_signature": False})
    subject, _, print_of_key = str(said.get("iss", "")).rpartition(".")
    if subject != f"{account}.{user}":
        msg = "the issuer names another account or user"
        raise ValueError(msg)
    known = {fingerprint(text): text for text in login.keys.values()}
    if print_of_key not in known:
        msg = "the user has no key of this fingerprint"
        raise ValueError(msg)
    key = read_key(known[print_of_key])
    needed = {"require": ["iss", "sub", "iat", "exp"]}
    verified = jwt.decode(token, key, algorithms=algorithms(key), subject=subject, options=needed)  # type: ignore[arg-type]
    if time.time() - verified["iat"] > LONGEST_AGE_SECONDS:
        msg = "the token is too old"
        raise ValueError(msg)


def _attested(token: str, name: str, state: State) -> str:
    said = jwt.decode(token, options={"verify_signature": False})
    whose = (said.get("iss"), said.get("sub"))
    identities = {user: login.identity for user, login in state.logins.items() if login.identity}
    for user, identity in identities.items():
        if (identity.issuer, identity.subject) == whose and name in {"", user}:
            key = _key_of_issuer(identity.issuer, token)
            needed = {"require": ["iss", "sub", "aud", "iat", "exp"]}
            jwt.decode(
                token,
                key,
                algorithms=_OF_ISSUERS,
                audience=identity.audiences,
                issuer=identity.issuer,
                subject=identity.subject,
                options=needed,  # type: ignore[arg-type]
            )
            return user
    msg = "no user has this identity"
    raise ValueError(msg)


def _key_of_issuer(issuer: str, token: str) -> jwt.PyJWK:
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    if not address.startswith(("https://", "http://127.0.0.1:")):
        msg = "the issuer has no https address"
        raise ValueError(msg)
    with urllib.request.urlopen(address, timeout=_ISSUER_SECONDS) as reply:  # noqa: S310  # the scheme was checked
        told = json.load(reply)
    if told.get("issuer") != issuer:
        msg = "the address of the issuer is another's"
        raise ValueError(msg)
    return jwt.PyJWKClient(str(told.get("jwks_uri")), timeout=_ISSUER_SECONDS).get_signing_key_from_jwt(token)


def _refused(*, code: str, message: str, user: str, error: Exception) -> LoginError:
    incident = str(uuid.uuid4())
    logger.info("refused a login: %s", error, extra={"user": user, "incident": incident})
    return LoginError(code=code, message=f"{message} [{incident}]")
