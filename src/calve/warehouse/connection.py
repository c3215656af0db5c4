"""A connection to Snowflake through the unmodified connector.

Promises a session in UTC whose statements carry a tag, and errors that say whether a retry can help. Never
sends a statement twice: the connector repeats a request whose reply was lost, and a repeated SWAP undoes itself.
"""

from __future__ import annotations

import logging
from typing import Any

import snowflake.connector
from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import DatabaseError, Error, InterfaceError, OperationalError, ProgrammingError

from calve.errors import CalveError, SettingsError, WarehouseStateError, WarehouseUnavailableError
from calve.settings import Settings
from calve.warehouse.login import Login, login_of

LOGIN_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 300

# The connector logs a stack trace for every lost reply; our errors say it in one line.
logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)


def connect(settings: Settings, role: str | None = None, tag: str = "calve") -> SnowflakeConnection:
    """Open a session in UTC.

    Args:
        role: None means the user's default role.
        tag: What the account's query history shows beside each statement, e.g. a run key.

    Raises:
        SettingsError: No way to log in can be used, or Snowflake refused user, credential or role.
        WarehouseUnavailableError: Snowflake did not answer; nothing was changed.
    """
    login = login_of(settings)
    try:
        return snowflake.connector.connect(**login.options, **_options(settings, role, tag))
    except OperationalError as error:
        msg = (
            f"snowflake {_where(settings)}: found no answer, expected a login by {login.way}; "
            f"check that it runs and is reachable (`calve local status`, `calve doctor`)\n  {_first(error)}"
        )
        raise WarehouseUnavailableError(msg) from error
    except (DatabaseError, InterfaceError) as error:
        raise _refused(settings, login, role, error) from error


def _options(settings: Settings, role: str | None, tag: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "account": settings.snowflake_account,
        "login_timeout": LOGIN_TIMEOUT_SECONDS,
        "socket_timeout": STATEMENT_TIMEOUT_SECONDS,
        "application": "calve",
        "session_parameters": {"TIMEZONE": "UTC", "QUERY_TAG": tag, "CLIENT_TELEMETRY_ENABLED": False},
    }
    optional = {
        "host": settings.snowflake_host,
        "port": settings.snowflake_port,
        "protocol": settings.snowflake_protocol,
        "warehouse": settings.snowflake_warehouse,
        "role": role,
        # Before the first expose there is none, and only the default role logs in then.
        "database": settings.snowflake_database if role else None,
    }
    return options | {key: value for key, value in optional.items() if value is not None}


def _refused(settings: Settings, login: Login, role: str | None, error: Error) -> SettingsError:
    user = f"user {settings.snowflake_user}" if "user" in login.options else "this process"
    msg = (
        f"snowflake {_where(settings)}: found {user}{f' with role {role}' if role else ''} refused, expected a login "
        f"by {login.way}; check {login.advice} and the roles granted to the user\n  {_first(error)}"
    )
    return SettingsError(msg)


def try_login(settings: Settings) -> str:
    """Log in, and return by which way and as whom.

    Raises:
        SettingsError: As of `connect`, or the workload identity is that of another user.
        WarehouseUnavailableError: Snowflake did not answer.
    """
    way = login_of(settings).way
    with connect(settings) as connection:
        row = execute(connection, "select current_user() as name, current_role() as role")[0]
    if settings.snowflake_workload_identity and row["name"].upper() != settings.snowflake_user.upper():
        msg = (
            f"snowflake: found user {row['name']} by {way}, expected {settings.snowflake_user}; correct "
            "CALVE_SNOWFLAKE_USER, or give the identity to that user"
        )
        raise SettingsError(msg)
    return f"connected by {way} as {row['name']} with role {row['role']}"


def execute(conn: SnowflakeConnection, statement: str) -> list[dict[str, Any]]:
    """Execute one statement once and return its rows, keyed by lower-case column name.

    Raises:
        ProgrammingError: Snowflake answered that the statement is refused.
        WarehouseUnavailableError: No answer: the statement may or may not have been applied.
    """
    try:
        with conn.cursor() as cursor:
            cursor.execute(statement, _no_retry=True)
            columns = [column.name.lower() for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    except ProgrammingError:
        raise
    except (Error, OSError) as error:
        msg = (
            f"snowflake statement '{_headline(statement)}': found no answer, expected a result; it may have been "
            f"applied. Run the command again: it reads what is served first\n  {_first(error)}"
        )
        raise WarehouseUnavailableError(msg) from error


def refusal(statement: str, error: ProgrammingError, *, advice: str) -> CalveError:
    """Return the error for a statement that Snowflake answered with no."""
    return WarehouseStateError(
        f"snowflake statement '{_headline(statement)}': found it refused, expected it to be applied; "
        f"{advice}\n  {_first(error)}"
    )


def _where(settings: Settings) -> str:
    host = settings.snowflake_host or f"account {settings.snowflake_account}"
    return f"{host}:{settings.snowflake_port}" if settings.snowflake_port else host


def _headline(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= 120 else f"{line[:117]}..."  # noqa: PLR2004


def _first(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
