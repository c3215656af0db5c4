"""Sessions of the owner and the deployer, and what must exist before they can log in.

In the profile `local` calve makes the roles, the volume and the database itself; on a real account an
administrator does, once, with the statements of docs/snowflake.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import Error, ProgrammingError

from calve.effects import effect
from calve.errors import SettingsError
from calve.settings import Settings
from calve.warehouse.connection import connect, execute, refusal
from calve.warehouse.ddl import account_statements, login_statements, reader_statements
from calve.warehouse.names import Names

# The local engine has no AWS account; on a real one an administrator names the role in the volume.
LOCAL_ROLE_ARN = "arn:aws:iam::000000000000:role/calve"


@dataclass(frozen=True)
class Sessions:
    """One session per role that changes something.

    Attributes:
        owner: Owns LIVE, the idle schema and their tables.
        deployer: Owns the views.
    """

    owner: SnowflakeConnection
    deployer: SnowflakeConnection


@contextmanager
def sessions(settings: Settings, names: Names, readers: Iterable[str], tag: str) -> Iterator[Sessions]:
    """Log in as owner and as deployer; in the profile `local` make the roles first when they are not there.

    Raises:
        SettingsError: User, password or a role is refused.
        WarehouseUnavailableError: Snowflake did not answer.
    """
    try:
        owner = connect(settings, names.owner, tag)
    except SettingsError:
        if settings.profile != "local":
            raise
        prepare_account(settings, names, readers)
        owner = connect(settings, names.owner, tag)
    try:
        deployer = connect(settings, names.deployer, tag)
        try:
            yield Sessions(owner, deployer)
        finally:
            close(deployer)
    finally:
        close(owner)


def close(conn: SnowflakeConnection) -> None:
    """Close a session; one whose server is gone is closed already."""
    with suppress(Error, OSError):
        conn.close()


def prepare_account(settings: Settings, names: Names, readers: Iterable[str]) -> None:
    """Make, as the user's default role, what an administrator makes on a real account; repeating it is harmless."""
    base_url = f"s3://{settings.bucket}/{settings.prefix}"
    account = account_statements(names, base_url=base_url, role_arn=LOCAL_ROLE_ARN)
    # The logins come last: who may log in as owner finds everything there.
    _apply(settings, [*account, *reader_statements(names, readers), *login_statements(names)])


def prepare_readers(settings: Settings, names: Names, readers: Iterable[str]) -> None:
    """Make the roles of readers that a contract names for the first time."""
    _apply(settings, reader_statements(names, readers))


def _apply(settings: Settings, statements: Iterable[str]) -> None:
    conn = connect(settings)
    try:
        for statement in statements:
            try:
                with effect("account.prepare"):
                    execute(conn, statement)
            except ProgrammingError as error:
                advice = "have an administrator execute the statements of docs/snowflake.md"
                raise refusal(statement, error, advice=advice) from error
    finally:
        close(conn)
