"""What a schema of Snowflake serves, by Snowflake's own answer; never from memory or from our records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from calve.warehouse.connection import execute
from calve.warehouse.names import EXPOSURE, IDLE_PATTERN, Names, literal
from calve.warehouse.target import Target


@dataclass(frozen=True)
class Served:
    """The content of one schema.

    Attributes:
        snapshots: Current snapshot of each external Iceberg table; None when it has none.
        epoch: Of the exposer that filled it; 0 when nobody finished filling it.
        digest: Of the rows of its native tables.
    """

    snapshots: Mapping[str, int | None]
    epoch: int = 0
    digest: str = ""

    def serves(self, target: Target) -> bool:
        """Say whether this is the target."""
        return self.snapshots == target.snapshots and self.digest == target.digest


def schemas(conn: SnowflakeConnection, names: Names) -> set[str]:
    """Return the schemas of the database."""
    return {row["name"] for row in execute(conn, f"SHOW SCHEMAS IN DATABASE {names.database}")}


def idle_epochs(conn: SnowflakeConnection, names: Names) -> list[int]:
    """Return the epochs of the idle schemas, newest first; there is one, or none before the second expose."""
    found = (IDLE_PATTERN.match(name) for name in schemas(conn, names))
    return sorted((int(match[1]) for match in found if match), reverse=True)


def iceberg_tables(conn: SnowflakeConnection, names: Names, schema: str) -> set[str]:
    """Return the external Iceberg tables of a schema."""
    return {row["name"] for row in execute(conn, f"SHOW ICEBERG TABLES IN SCHEMA {names.schema(schema)}")}


def current_snapshot(conn: SnowflakeConnection, names: Names, schema: str, table: str) -> int | None:
    """Return the snapshot that a table shows now."""
    full_name = literal(names.table(schema, table))
    (row,) = execute(conn, f"SELECT SYSTEM$AUTO_REFRESH_STATUS({full_name}) AS STATUS")
    snapshot = json.loads(row["status"]).get("currentSnapshotId")
    return None if snapshot in (None, "") else int(snapshot)


def read_served(conn: SnowflakeConnection, names: Names, schema: str) -> Served | None:
    """Return what a schema serves; None when it does not exist, or not any more."""
    try:
        tables = iceberg_tables(conn, names, schema)
        snapshots = {table: current_snapshot(conn, names, schema, table) for table in sorted(tables)}
    except ProgrammingError:
        if schema in schemas(conn, names):
            raise
        return None
    try:
        rows = execute(conn, f"SELECT EPOCH, RECORDS_DIGEST FROM {names.table(schema, EXPOSURE)}")
    except ProgrammingError:
        rows = []
    if len(rows) != 1:
        return Served(snapshots)
    return Served(snapshots, int(rows[0]["epoch"]), rows[0]["records_digest"])
