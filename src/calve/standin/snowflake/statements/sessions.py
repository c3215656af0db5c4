"""USE and ALTER SESSION: what the following statements of this client start from."""

from calve.standin.snowflake import failures
from calve.standin.snowflake.names import find_database, find_schema
from calve.standin.snowflake.statements.context import OK, Context
from calve.standin.snowflake.statements.roles import may_play
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import Rows, status

_PLAIN = {"QUERY_TAG", "CLIENT_SESSION_KEEP_ALIVE", "STATEMENT_TIMEOUT_IN_SECONDS", "LOCK_TIMEOUT"}


def use(reader: Reader, context: Context) -> Rows:
    """USE {DATABASE | SCHEMA | ROLE | WAREHOUSE} x, USE db[.schema], USE SECONDARY ROLES NONE."""
    session = context.session
    if reader.accept("SECONDARY", "ROLES"):
        if not reader.accept("NONE"):
            raise failures.not_modelled(what="USE SECONDARY ROLES other than NONE")
    elif reader.accept("ROLE"):
        name = reader.name_or_string()
        _use_role(context, name)
    elif reader.accept("WAREHOUSE"):
        session.warehouse = reader.identifier()
    else:
        kind = reader.choose("DATABASE", "SCHEMA") if reader.words(1) in {"DATABASE", "SCHEMA"} else ""
        parts = reader.name()
        state = context.store.current
        rights = context.rights(state)
        if kind == "SCHEMA" or (not kind and len(parts) > 1):
            session.database, session.schema, _ = find_schema(state, rights, context.place, parts)
        else:
            database = find_database(state, rights, parts[0])
            session.database, session.schema = parts[0], "PUBLIC" if "PUBLIC" in database.schemas else None
    reader.end()
    return status(OK)


def alter_session(reader: Reader, context: Context) -> Rows:
    """ALTER SESSION SET NAME = value ..., ALTER SESSION UNSET NAME."""
    session = context.session
    if reader.accept("UNSET"):
        while not reader.done:
            session.parameters.pop(reader.identifier(), None)
            reader.accept(",")
        return status(OK)
    reader.expect("SET")
    changes: dict[str, str] = {}
    while not reader.done:
        name = reader.identifier()
        reader.expect("=")
        changes[name] = checked_parameter(name, str(reader.value()))
        reader.accept(",")
    if not changes:
        raise reader.unexpected()
    session.parameters.update(changes)
    return status(OK)


def checked_parameter(name: str, value: str) -> str:
    """Return the value that a session parameter takes, or refuse parameter or value by name."""
    if name == "TIMEZONE":
        if value.upper() not in {"UTC", "ETC/UTC"}:
            raise failures.not_modelled(what=f"session time zone {value}; it is UTC")
        return "UTC"
    if name == "AUTOCOMMIT":
        if value.upper() != "TRUE":
            raise failures.not_modelled(what="AUTOCOMMIT = FALSE")
        return "true"
    if name not in _PLAIN:
        raise failures.not_modelled(what=f"session parameter {name}")
    return value


def _use_role(context: Context, name: str) -> None:
    state = context.store.current
    if name not in state.roles:
        text = f"SQL compilation error:\nObject does not exist, or operation cannot be performed: role '{name}'."
        raise failures.SqlError(2043, "02000", text)
    if not may_play(state, context.session.user, name):
        text = f"Requested role '{name}' is not assigned to the executing user. Specify another role to activate."
        raise failures.SqlError(3013, "42501", f"SQL execution error:\n{text}")
    context.session.role = name
