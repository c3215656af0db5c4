"""Users: made, given public keys and an identity, described. Their password is the server's, for all of them.

After "CREATE USER", "ALTER USER" and "Workload identity federation"; other properties are refused by name.
"""

from dataclasses import replace

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import Identity, Login, State
from calve.standin.snowflake.public_keys import fingerprint, read_key
from calve.standin.snowflake.statements.context import OK, Context, making
from calve.standin.snowflake.tokens import Reader, Value, text_value
from calve.standin.snowflake.wire import SHOW, Rows, status

SLOTS = ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2")
# An ID token that names no audience of ours is meant for Snowflake as such ("Workload identity federation").
AUDIENCE = "snowflakecomputing.com"

_MODELLED = {*SLOTS, "TYPE", "WORKLOAD_IDENTITY"}
_KNOWN = {
    *("PASSWORD", "LOGIN_NAME", "DISPLAY_NAME", "FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "EMAIL", "COMMENT", "TAG"),
    *("MUST_CHANGE_PASSWORD", "DISABLED", "DAYS_TO_EXPIRY", "MINS_TO_UNLOCK", "MINS_TO_BYPASS_MFA", "DISABLE_MFA"),
    *("DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE", "DEFAULT_ROLE", "DEFAULT_SECONDARY_ROLES", "NETWORK_POLICY"),
    *("SESSION", "AUTHENTICATION", "ENABLE_UNREDACTED_QUERY_SYNTAX_ERROR"),
}


def create_user(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE USER [IF NOT EXISTS] x [RSA_PUBLIC_KEY[_2] = ''] [TYPE = t] [WORKLOAD_IDENTITY = (...)]."""
    if replace:
        raise failures.not_modelled(what="CREATE OR REPLACE USER")
    wanted = making(reader, replace=False)
    name = reader.identifier()
    found = _properties(reader)
    with context.store.change() as state:
        rights = context.rights(state)
        owner = _login(state, name).owner if name in state.users else None
        if answer := wanted.stop(name, owner, rights, "user"):
            return answer
        rights.need_on_account("CREATE USER")
        state.users[name] = frozenset()
        state.logins[name] = _changed(state, name, Login(owner=context.session.role), found)
    return status(f"User {name} successfully created.")


def alter_user(reader: Reader, context: Context) -> Rows:
    """ALTER USER [IF EXISTS] x {SET <properties> | UNSET <names>}."""
    if_exists = reader.accept("IF", "EXISTS")
    name = reader.identifier()
    if reader.accept("SET"):
        if reader.done:
            raise reader.unexpected()
        found = _properties(reader)
    elif reader.accept("UNSET"):
        found = dict.fromkeys(_names(reader))
    else:
        raise failures.not_modelled(what=f"ALTER USER ... {reader.words(3)}")
    with context.store.change() as state:
        if name not in state.users:
            if if_exists:
                return status(OK)
            raise failures.missing(kind="User", name=name)
        login = _login(state, name)
        if not context.rights(state).owns(login.owner):
            raise failures.forbidden(kind="user", name=name)
        state.logins[name] = _changed(state, name, login, found)
    return status(OK)


def describe_user(reader: Reader, context: Context) -> Rows:
    """DESC[RIBE] USER x: its type, and the fingerprints of its public keys."""
    name = reader.identifier()
    reader.end()
    state = context.store.current
    login = _login(state, name)
    if name not in state.users or not (name == context.session.user or context.rights(state).owns(login.owner)):
        raise failures.missing(kind="User", name=name)
    prints = [(f"{slot}_FP", fingerprint(login.keys[slot]) if slot in login.keys else "null") for slot in SLOTS]
    shown = [("NAME", name), ("TYPE", "SERVICE" if login.is_service else "null"), *prints]
    titles = ("property", "value", "default", "description")
    rows = [(key, value, "null", "") for key, value in shown]
    return Rows(tuple((title, "text") for title in titles), rows, SHOW)


def _login(state: State, name: str) -> Login:
    return state.logins.get(name, Login())


def _properties(reader: Reader) -> dict[str, Value]:
    return reader.properties("USER", modelled=_MODELLED, known=_KNOWN)


def _names(reader: Reader) -> list[str]:
    names: list[str] = []
    while not reader.done or not names:
        name = reader.identifier()
        if name in _KNOWN:
            raise failures.not_modelled(what=f"{name} of USER")
        if name not in _MODELLED:
            raise failures.invalid_property(name, "USER")
        names.append(name)
        reader.accept(",")
    return names


def _changed(state: State, name: str, login: Login, found: dict[str, Value]) -> Login:
    keys = dict(login.keys)
    for slot in found.keys() & SLOTS:
        if found[slot] is None:
            keys.pop(slot, None)
        else:
            keys[slot] = _key(text_value(found, slot))
    identity = _identity(state, name, found["WORKLOAD_IDENTITY"]) if "WORKLOAD_IDENTITY" in found else login.identity
    is_service = _is_service(found["TYPE"]) if "TYPE" in found else login.is_service
    if identity is not None and not is_service:
        msg = "WORKLOAD_IDENTITY can be set only for a user of TYPE = SERVICE."
        raise failures.invalid(msg)
    return replace(login, keys=keys, identity=identity, is_service=is_service)


def _key(text: str) -> str:
    try:
        read_key(text)
    except ValueError as error:
        msg = f"New public key rejected by current policy. Reason: '{error}'"
        raise failures.invalid(msg) from error
    return "".join(text.split())


def _is_service(written: Value) -> bool:
    kind = "PERSON" if written is None else str(written).upper()
    if kind not in {"PERSON", "SERVICE"}:
        raise failures.not_modelled(what=f"TYPE = {kind} of USER")
    return kind == "SERVICE"


def _identity(state: State, name: str, written: Value) -> Identity | None:
    if written is None:
        return None
    if not isinstance(written, dict):
        raise failures.missing_property(name="TYPE")
    if (kind := text_value(written, "TYPE").upper()) != "OIDC":
        raise failures.not_modelled(what=f"WORKLOAD_IDENTITY of TYPE = {kind}")
    for each in written.keys() - {"TYPE", "ISSUER", "SUBJECT", "OIDC_AUDIENCE_LIST"}:
        raise failures.invalid_property(each, "WORKLOAD_IDENTITY")
    audiences = written.get("OIDC_AUDIENCE_LIST") or [AUDIENCE]
    if not isinstance(audiences, list):
        msg = "invalid value for property 'OIDC_AUDIENCE_LIST'"
        raise failures.invalid(msg)
    issuer, subject = text_value(written, "ISSUER"), text_value(written, "SUBJECT")
    for other, login in state.logins.items():
        if other != name and login.identity and (login.identity.issuer, login.identity.subject) == (issuer, subject):
            msg = f"the workload identity belongs to user '{other}' already."
            raise failures.invalid(msg)
    return Identity(issuer, subject, tuple(map(str, audiences)))
