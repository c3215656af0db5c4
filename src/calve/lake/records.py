"""Connect to the database of the records and keep its schema current.

Every function that changes a record does so in one short transaction; a connection is in autocommit, so that
`transaction` really commits at its end. No message of this module ever contains a password.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from calve.effects import effect
from calve.errors import LakeUnavailableError, SettingsError
from calve.lake.schema import CATALOG_TABLES, MIGRATIONS
from calve.settings import RecordsSettings

Connection = psycopg.Connection[DictRow]
Cursor = psycopg.Cursor[DictRow]
Parameters = Sequence[Any] | Mapping[str, Any]

# What is wrong with a statement, and not with the database: calve is at fault, and a trace is what it takes.
_OF_THE_STATEMENT = (psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError)
_SCHEMES = ("postgresql://", "postgres://")
_MIGRATION_LOCK = 0x63616C7665_01
CONNECT_SECONDS = 5


def connect(settings: RecordsSettings) -> Connection:
    """Open a connection to the database of catalog and records, in autocommit and in UTC.

    Raises:
        LakeUnavailableError: The database did not answer within five seconds, or refused.
        SettingsError: `CALVE_CATALOG_URL` is no address.
    """
    url = settings.catalog_url.get_secret_value()
    check_address(url, "CALVE_CATALOG_URL")
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=CONNECT_SECONDS,
            application_name="calve",
            # A role named like the schema would otherwise find its own schema before `public`, where the catalog is.
            options="-c search_path=public -c timezone=UTC -c lock_timeout=60s"
            " -c idle_in_transaction_session_timeout=120s",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=30000,
        )
    except psycopg.Error as error:
        msg = (
            f"catalog database {_address(url)}: {first_line(error)}, expected a connection; "
            "check that it runs, CALVE_CATALOG_URL and the role's password (calve doctor tells them apart)"
        )
        raise LakeUnavailableError(msg) from None


def check_address(url: str, variable: str) -> None:
    """Refuse what is no address of a database; no word of it is told, since any may be of the password.

    An address that PostgreSQL's library would read otherwise than its author meant is refused too: with an `@` or `/`
    in it, a password's end is taken for the host, and told in the library's messages.

    Raises:
        SettingsError: Names the variable and the form that is expected.
    """
    try:
        found = conninfo_to_dict(url)
    except psycopg.Error:
        found = {}
    host, port = str(found.get("host") or ""), str(found.get("port") or "")
    is_torn = "@" in host or (port and not port.isdecimal()) or set("@/") & set(str(found.get("dbname") or ""))
    if not found or is_torn or not url.startswith(_SCHEMES):
        msg = (
            f"{variable}: not an address; expected postgresql://user:password@host:port/database, and in user and "
            "password %25 for %, %40 for @, %3A for :, %2F for /"
        )
        raise SettingsError(msg) from None


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Say in words what kept the database from answering; `what` says what was being done.

    A server that ends a connection may give any class of error for it, so that only what a statement itself is to
    blame for goes on as it is.

    Raises:
        LakeUnavailableError: The connection was lost, or the database can't do it now.
        SettingsError: The role lacks a right.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        msg = (
            f"catalog database: {first_line(error)} while {what}, expected a role that owns the tables of the catalog "
            "and the schema calve; grant it, or name that role in CALVE_CATALOG_URL (calve doctor tries it)"
        )
        raise SettingsError(msg) from error
    except _OF_THE_STATEMENT:
        raise
    except psycopg.Error as error:
        msg = (
            f"catalog database: {first_line(error)} while {what}, expected an answer; "
            "what happened is looked up by the next run, so run it again"
        )
        raise LakeUnavailableError(msg) from error


@contextmanager
def transaction(conn: Connection) -> Iterator[Cursor]:
    """Run one short transaction; it is committed when the block ends and rolled back when it raises."""
    is_idle = conn.closed or conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    if not conn.autocommit or not is_idle:
        msg = "a record is written on a connection of its own transaction: expected autocommit, outside any other"
        raise ValueError(msg)
    with answering("writing a record"), conn.transaction(), conn.cursor() as cursor:
        yield cursor


def query(conn: Connection, statement: LiteralString, parameters: Parameters = ()) -> list[DictRow]:
    """Read rows in one statement."""
    with answering("reading records"), conn.cursor() as cursor:
        return cursor.execute(statement, parameters).fetchall()


def migrate(conn: Connection) -> int:
    """Bring the schema `calve` and the catalog's tables up to date; return the version.

    Doing it again, or from two processes at once, changes nothing.
    """
    with effect("records.migrate"), transaction(conn) as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        for statement in CATALOG_TABLES:
            cursor.execute(statement)
        cursor.execute("create schema if not exists calve")
        cursor.execute(
            "create table if not exists calve.migration (version integer primary key,"
            " applied_at timestamptz not null default clock_timestamp())"
        )
        row = cursor.execute("select coalesce(max(version), 0) as version from calve.migration").fetchone()
        applied = int(row["version"]) if row else 0
        for version, step in enumerate(MIGRATIONS[applied:], start=applied + 1):
            cursor.execute(step)
            cursor.execute("insert into calve.migration (version) values (%s)", (version,))
    return max(applied, len(MIGRATIONS))


def _address(url: str) -> str:
    found = conninfo_to_dict(url)
    return f"{found.get('host') or 'on this machine'}:{found.get('port') or 5432}/{found.get('dbname') or ''}"


def first_line(error: Exception) -> str:
    """Return what an error says, without its details and hints."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
