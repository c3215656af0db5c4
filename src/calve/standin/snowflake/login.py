"""Who may log in, and as which role.

A wrong password, key or identity, an unknown role and a role that the user was not granted are refused as Snowflake
does. A user that logs in for the first time, by password, plays ACCOUNTADMIN: the stand-in has no other way to be
set up.
"""

import hmac
import secrets
from typing import Any

from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.attestation import user_by_identity, user_by_key_pair
from calve.standin.snowflake.catalog import ADMIN, State
from calve.standin.snowflake.engine import Engine
from calve.standin.snowflake.failures import LoginError, SqlError
from calve.standin.snowflake.session import Session
from calve.standin.snowflake.statements.roles import may_play
from calve.standin.snowflake.statements.sessions import checked_parameter
from calve.standin.snowflake.store import Store
from calve.standin.snowflake.tokens import split_name

_OF_THE_CLIENT = ("CLIENT_", "PYTHON_CONNECTOR_")


def log_in(body: dict[str, Any], query: dict[str, str], store: Store, engine: Engine, password: str | None) -> Session:
    """Check a login request and open a session.

    Raises:
        LoginError: Wrong password, token, role or way to log in; no session exists afterwards.
    """
    data = body.get("data", {})
    way = str(data.get("AUTHENTICATOR", "SNOWFLAKE")).upper()
    if way == "SNOWFLAKE_JWT":
        user = user_by_key_pair(data, store.current)
    elif way == "WORKLOAD_IDENTITY":
        user = user_by_identity(data, store.current)
    elif way == "SNOWFLAKE" and "TOKEN" not in data:
        user = _user_by_password(data, store.current, password)
    else:
        raise LoginError(
            code="390101",
            message=f"calve stand-in does not model the authenticator {way}; use a password, key pair or identity.",
        )
    parameters = _parameters(data.get("SESSION_PARAMETERS") or {})
    if user not in store.current.users:
        with store.change() as state:
            state.users.setdefault(user, frozenset({ADMIN}))
    role = _role(store.current, user, query.get("roleName"))
    session = Session(secrets.token_urlsafe(32), user, role, engine.worker())
    session.parameters.update(parameters)
    _place(session, store.current, query)
    return session


def _user_by_password(data: dict[str, Any], state: State, password: str | None) -> str:
    user = str(data.get("LOGIN_NAME", "")).upper()
    login = state.logins.get(user)
    wrong = password is not None and not hmac.compare_digest(str(data.get("PASSWORD", "")).encode(), password.encode())
    if wrong or (login is not None and login.is_service):
        raise LoginError(code="390100", message="Incorrect username or password was specified.")
    return user


def _parameters(asked: dict[str, Any]) -> dict[str, str]:
    """Return the session's parameters; those of the client's own doing (CLIENT_...) are its own business."""
    try:
        return {
            name.upper(): checked_parameter(name.upper(), str(value))
            for name, value in asked.items()
            if not name.upper().startswith(_OF_THE_CLIENT)
        }
    except SqlError as error:
        raise LoginError(code="390101", message=error.message) from error


def _role(state: State, user: str, written: str | None) -> str:
    if not written:
        granted = state.users[user]
        return ADMIN if ADMIN in granted else min(granted, default="PUBLIC")
    name = split_name(written)[-1]
    if name not in state.roles or not may_play(state, user, name):
        what = "does not exist or not authorized" if name not in state.roles else "is not granted to this user"
        text = (
            f"Role '{name}' specified in the connect string {what}. Contact your local system administrator, "
            "or attempt to login with another role, e.g. PUBLIC."
        )
        raise LoginError(code="390189" if name not in state.roles else "390186", message=text)
    return name


def _place(session: Session, state: State, query: dict[str, str]) -> None:
    """Set database and schema if they exist; a login that names others succeeds without them."""
    rights = Rights(state, session.role)
    if (warehouse := query.get("warehouse")) is not None:
        session.warehouse = split_name(warehouse)[-1]
    if not (written := query.get("databaseName")):
        return
    name = split_name(written)[-1]
    database = state.databases.get(name)
    if database is None or not rights.sees(database.id, database.owner):
        return
    session.database = name
    chosen = split_name(query["schemaName"])[-1] if query.get("schemaName") else "PUBLIC"
    schema = database.schemas.get(chosen)
    if schema is not None and rights.sees(schema.id, schema.owner):
        session.schema = chosen
