"""One consistent cut through the operational database, held while Spark reads it in parallel.

The cut is a PostgreSQL snapshot that one transaction exports and every JDBC reader imports, so that rows,
sums and keys all describe the same instant. It is read only and dies after a set age, whatever is asked of it, so
that it can't hold back the source's vacuum. No message of this module ever contains the source's address.

Protocol: PostgreSQL manual, "Snapshot Synchronization Functions".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import psycopg
from psycopg import sql

from calve.contract.sources import Source
from calve.contract.types import postgresql_types
from calve.errors import CalveError, SettingsError, SourceDriftError, SourceUnavailableError
from calve.lake.records import check_address, first_line
from calve.settings import Settings

_OLDEST = """
select least(clock_timestamp(), min(xact_start))
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
"""
_COLUMNS = """
select a.attname, format_type(a.atttypid, null), a.attnotnull,
       case when a.atttypid = 'numeric'::regtype then nullif(((a.atttypmod - 4) >> 16) & 65535, 65535) end,
       case when a.atttypid = 'numeric'::regtype then (a.atttypmod - 4) & 65535 end,
       has_schema_privilege(n.oid, 'USAGE'), has_column_privilege(c.oid, a.attnum, 'SELECT')
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""
_LIMITS = """
select set_config('statement_timeout', %(limit)s, true),
    set_config('idle_in_transaction_session_timeout', %(limit)s, true)
"""
_NO_RIGHT = "42501"
_DRIFTED = ("0A", "22", "42")  # SQLSTATE classes: what was asked can't be asked of this source
_TRANSACTION_TIMEOUT = 17_00_00  # first version of PostgreSQL that has it


@dataclass(frozen=True)
class Cut:
    """An open cut.

    Attributes:
        snapshot: PostgreSQL's name of the exported snapshot.
        cut_at: The source's clock at the cut.
        oldest_open: Begin of the oldest transaction that was open at the cut; rows it writes come later.
        began: Our monotonic clock before the cut was made.
        max_age_seconds: Age at which it is given up.
    """

    connection: psycopg.Connection[Any]
    snapshot: str
    cut_at: datetime
    oldest_open: datetime
    began: float
    max_age_seconds: int

    def rows(self, query: sql.SQL | sql.Composed, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one query in the cut.

        Raises:
            SourceUnavailableError: The source went away, or the cut is too old.
            SettingsError: The role may not read what is asked for.
            SourceDriftError: What is asked for is not there, or not of a kind that can be asked so.
        """
        try:
            self._limit()
            found = self.connection.execute(query, parameters).fetchall()
            self._limit()
        except psycopg.Error as error:
            raise _refusal(self.connection, error) from error
        return found

    def remaining_seconds(self) -> int:
        """Return for how long the cut may still be read, at least 1.

        Raises:
            SourceUnavailableError: It is too old.
        """
        return max(1, int(self._remaining()))

    def limits(self) -> str:
        """Return the statements that let a transaction which imports the snapshot end with the cut's age.

        A cursor's every fetch is a statement of its own, so that only `transaction_timeout` limits all of them.
        """
        names = ["statement_timeout", "idle_in_transaction_session_timeout"]
        names += ["transaction_timeout"] if self.connection.info.server_version >= _TRANSACTION_TIMEOUT else []
        seconds = self.remaining_seconds()
        return "; ".join(f"SET LOCAL {name} = '{seconds}s'" for name in names)

    def _remaining(self) -> float:
        left = self.began + self.max_age_seconds - time.monotonic()
        if left <= 0:
            msg = (
                f"source: the snapshot is older than the {self.max_age_seconds} s of "
                "CALVE_SOURCE_MAX_SNAPSHOT_SECONDS, so it was given up; nothing was landed. Run again, and see "
                "with the source's owner what makes it slow before you raise the limit"
            )
            raise SourceUnavailableError(msg)
        return left

    def _limit(self) -> None:
        """Let the server end the next statement and the idling after it with the cut; each begins a count anew."""
        self.connection.execute(_LIMITS, {"limit": str(max(1, int(1000 * self._remaining())))})


@contextmanager
def open_cut(settings: Settings) -> Iterator[Cut]:
    """Open the cut and hold it until the block ends.

    Raises:
        SourceUnavailableError: The source is down, slow or refusing; nothing was read.
        SettingsError: `CALVE_SOURCE_URL` is no address; or the role may not see other sessions' transactions, without
            which late commits are lost.
    """
    url = settings.source_url.get_secret_value()
    check_address(url, "CALVE_SOURCE_URL")
    age = settings.source_max_snapshot_seconds
    options = f"-c timezone=UTC -c statement_timeout={age}s -c idle_in_transaction_session_timeout={age}s"
    try:
        connection = psycopg.connect(url, connect_timeout=10, options=options, autocommit=True)
    except psycopg.Error as error:
        raise _unavailable(error) from None
    # Only closed: there is nothing to commit, and what was read stays right if the source is gone by now.
    with closing(connection):
        try:
            cut = _begin(connection, age)
        except psycopg.Error as error:
            raise _refusal(connection, error) from error
        yield cut


def _begin(connection: psycopg.Connection[Any], max_age_seconds: int) -> Cut:
    allowed = connection.execute("select pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')").fetchone()
    if allowed is None or not allowed[0]:
        msg = (
            "source: the role can't see when other sessions' transactions began, so rows that commit late "
            "would be lost; run on the source: GRANT pg_read_all_stats TO <the role>"
        )
        raise SettingsError(msg)
    oldest = connection.execute(_OLDEST).fetchone()
    began = time.monotonic()
    connection.execute("begin isolation level repeatable read read only")
    row = connection.execute("select pg_export_snapshot(), transaction_timestamp()").fetchone()
    if oldest is None or row is None:
        msg = "source: the snapshot could not be exported; retry"
        raise SourceUnavailableError(msg)
    return Cut(connection, row[0], row[1], oldest[0], began, max_age_seconds)


def _refusal(connection: psycopg.Connection[Any], error: psycopg.Error) -> CalveError:
    """Say what an error of a statement means: a right that lacks, a source that drifted, or one that went away."""
    state = error.sqlstate or ""
    if state == _NO_RIGHT:
        role = connection.info.user
        msg = (
            f"source: {first_line(error)}, expected a role that may read what iceberg/sources/ describes; run on "
            f"the source: GRANT SELECT ON <table> TO {role}, or GRANT USAGE ON SCHEMA <schema> TO {role}"
        )
        return SettingsError(msg)
    if state.startswith(_DRIFTED):
        msg = (
            f"source: {first_line(error)}, expected what iceberg/sources/ describes; update the description and "
            "what is built on it, or have the change undone"
        )
        return SourceDriftError(msg)
    return _unavailable(error)


def _unavailable(error: psycopg.Error) -> SourceUnavailableError:
    msg = f"source: {first_line(error)}; nothing was landed. Check CALVE_SOURCE_URL and the database, then run again"
    return SourceUnavailableError(msg)


def check_description(cut: Cut, source: Source) -> tuple[str, ...]:
    """Compare a source table with its description.

    Returns:
        Warnings: columns that the description doesn't know.

    Raises:
        SourceDriftError: A described column is gone or has another type. Nothing was staged.
        SettingsError: The role may not read a column that lands.
    """
    found = {row[0]: row for row in cut.rows(sql.SQL(_COLUMNS), source.table.split("."))}
    where = f"source {source.source} (table {source.table})"
    if not found:
        msg = f"{where}: no such table in this database; correct `table:`, or CALVE_SOURCE_URL"
        raise SourceDriftError(msg)
    unknown = sorted(set(found) - {column.name for column in source.columns})
    for column in source.columns:
        if column.name not in found:
            new = f"; new there: {', '.join(unknown)} (renamed?)" if unknown else ""
            msg = f"{where}: column {column.name} is gone{new}; update iceberg/sources/{source.source}.yaml"
            raise SourceDriftError(msg)
        actual, _, precision, scale = found[column.name][1:5]
        if actual not in postgresql_types(column.type) or not _fits(column.type, precision, scale):
            size = f"({precision},{scale})" if precision else ""
            msg = (
                f"{where}: column {column.name} is {actual}{size}, described as {column.type}; "
                f"update iceberg/sources/{source.source}.yaml and what is built on it"
            )
            raise SourceDriftError(msg)
    _check_rights(cut, source, where, {name: (row[5], row[6]) for name, row in found.items()})
    return tuple(f"column {name} ({found[name][1]}) is new and not described" for name in unknown)


def _check_rights(cut: Cut, source: Source, where: str, rights: Mapping[str, tuple[bool, bool]]) -> None:
    """Refuse unless the role may read every column that lands; of others, which are never read, it needs no right.

    Args:
        rights: By column, whether the role may use the table's schema, and whether it may select the column.
    """
    role, schema = cut.connection.info.user, source.table.partition(".")[0]
    if not all(usage for usage, _ in rights.values()):
        _refuse(where, f"USAGE ON SCHEMA {schema}", role)
    closed = [column.name for column in source.landed if not rights[column.name][1]]
    if closed:
        names = f" ({', '.join(closed)})" if any(select for _, select in rights.values()) else ""
        _refuse(where, f"SELECT{names} ON {source.table}", role)


def _refuse(where: str, right: str, role: str) -> NoReturn:
    msg = (
        f"{where}: role {role} has no {right}, expected a role that may read what lands; run on the source: "
        f"GRANT {right} TO {role}"
    )
    raise SettingsError(msg)


def _fits(declared: str, precision: int | None, scale: int | None) -> bool:
    if not declared.startswith("decimal"):
        return True
    if precision is None or scale is None:
        return False
    whole, fraction = (int(part) for part in declared[8:-1].split(","))
    return scale <= fraction and precision - scale <= whole - fraction
