"""One consistent cut through the operational database, held while Spark reads it in parallel.

The cut is a PostgreSQL snapshot that one transaction exports and every JDBC reader imports, so that rows,
sums and keys all describe the same instant. It is read only and dies after a set age, so that it can't
hold back the source's vacuum.

Protocol: PostgreSQL manual, "Snapshot Synchronization Functions".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from calve.contract.sources import Source
from calve.contract.types import postgresql_types
from calve.errors import SettingsError, SourceDriftError, SourceUnavailableError
from calve.settings import Settings

_OLDEST = """
select least(clock_timestamp(), min(xact_start))
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
"""
_COLUMNS = """
select a.attname, format_type(a.atttypid, null), a.attnotnull,
       case when a.atttypid = 'numeric'::regtype then nullif(((a.atttypmod - 4) >> 16) & 65535, 65535) end,
       case when a.atttypid = 'numeric'::regtype then (a.atttypmod - 4) & 65535 end
from pg_attribute as a
where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""


@dataclass(frozen=True)
class Cut:
    """An open cut.

    Attributes:
        snapshot: PostgreSQL's name of the exported snapshot.
        cut_at: The source's clock at the cut.
        oldest_open: Begin of the oldest transaction that was open at the cut; rows it writes come later.
    """

    connection: psycopg.Connection[Any]
    snapshot: str
    cut_at: datetime
    oldest_open: datetime

    def rows(self, query: sql.SQL | sql.Composed, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one query in the cut."""
        try:
            return self.connection.execute(query, parameters).fetchall()
        except psycopg.OperationalError as error:
            raise _unavailable(error) from error


@contextmanager
def open_cut(settings: Settings) -> Iterator[Cut]:
    """Open the cut and hold it until the block ends.

    Raises:
        SourceUnavailableError: The source is down, slow or refusing; nothing was read.
        SettingsError: The role may not see other sessions' transactions, without which late commits are lost.
    """
    url = settings.source_url.get_secret_value()
    age = settings.source_max_snapshot_seconds
    options = f"-c timezone=UTC -c statement_timeout={age}s -c idle_in_transaction_session_timeout={age}s"
    try:
        connection = psycopg.connect(url, connect_timeout=10, options=options, autocommit=True)
    except psycopg.OperationalError as error:
        raise _unavailable(error) from error
    with connection:
        try:
            yield _begin(connection)
        except psycopg.OperationalError as error:
            raise _unavailable(error) from error


def _begin(connection: psycopg.Connection[Any]) -> Cut:
    allowed = connection.execute("select pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')").fetchone()
    if allowed is None or not allowed[0]:
        msg = (
            "source: the role can't see when other sessions' transactions began, so rows that commit late "
            "would be lost; run on the source: GRANT pg_read_all_stats TO <the role>"
        )
        raise SettingsError(msg)
    oldest = connection.execute(_OLDEST).fetchone()
    connection.execute("begin isolation level repeatable read read only")
    row = connection.execute("select pg_export_snapshot(), transaction_timestamp()").fetchone()
    if oldest is None or row is None:
        msg = "source: the snapshot could not be exported; retry"
        raise SourceUnavailableError(msg)
    return Cut(connection, row[0], row[1], oldest[0])


def _unavailable(error: psycopg.Error) -> SourceUnavailableError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    msg = f"source: {reason}; nothing was landed. Check CALVE_SOURCE_URL and the database, then run again"
    return SourceUnavailableError(msg)


def check_description(cut: Cut, source: Source) -> tuple[str, ...]:
    """Compare a source table with its description.

    Returns:
        Warnings: columns that the description doesn't know.

    Raises:
        SourceDriftError: A described column is gone or has another type. Nothing was staged.
    """
    found = {row[0]: row for row in cut.rows(sql.SQL(_COLUMNS), (source.table,))}
    where = f"source {source.source} (table {source.table})"
    if not found:
        msg = f"{where}: no such table, or no right to see it; fix `table:` or grant SELECT to the role"
        raise SourceDriftError(msg)
    unknown = sorted(set(found) - {column.name for column in source.columns})
    for column in source.columns:
        if column.name not in found:
            new = f"; new there: {', '.join(unknown)} (renamed?)" if unknown else ""
            msg = f"{where}: column {column.name} is gone{new}; update iceberg/sources/{source.source}.yaml"
            raise SourceDriftError(msg)
        _, actual, _, precision, scale = found[column.name]
        if actual not in postgresql_types(column.type) or not _fits(column.type, precision, scale):
            size = f"({precision},{scale})" if precision else ""
            msg = (
                f"{where}: column {column.name} is {actual}{size}, described as {column.type}; "
                f"update iceberg/sources/{source.source}.yaml and what is built on it"
            )
            raise SourceDriftError(msg)
    return tuple(f"column {name} ({found[name][1]}) is new and not described" for name in unknown)


def _fits(declared: str, precision: int | None, scale: int | None) -> bool:
    if not declared.startswith("decimal"):
        return True
    if precision is None or scale is None:
        return False
    whole, fraction = (int(part) for part in declared[8:-1].split(","))
    return scale <= fraction and precision - scale <= whole - fraction
