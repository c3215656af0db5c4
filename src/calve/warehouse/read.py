"""Read from Snowflake for the page and for status: statements of the views' owner, nothing changed."""

from __future__ import annotations

from typing import Any

from snowflake.connector.errors import ProgrammingError

from calve.settings import Settings
from calve.warehouse.account import close
from calve.warehouse.connection import connect, execute, refusal
from calve.warehouse.names import Names


def query(settings: Settings, sql: str) -> list[dict[str, Any]]:
    """Return the rows of one statement, keyed by lower-case column name; names resolve in our database.

    Raises:
        SettingsError: User, password or role is refused.
        WarehouseStateError: Snowflake refuses the statement, e.g. before the first expose.
        WarehouseUnavailableError: Snowflake did not answer.
    """
    names = Names.of(settings)
    conn = connect(settings, names.deployer, "calve read")
    try:
        return execute(conn, sql)
    except ProgrammingError as error:
        raise refusal(sql, error, advice="run `calve run` first if nothing was ever exposed") from error
    finally:
        close(conn)
