"""Fill the idle schema with a target and read it back. No reader is granted anything that isn't in LIVE too.

Never touches LIVE: whatever fails here, readers see what they saw before.
"""

from __future__ import annotations

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from calve.effects import effect
from calve.errors import WarehouseStateError
from calve.warehouse import ddl
from calve.warehouse.connection import execute, refusal
from calve.warehouse.names import DATA_QUALITY, EXPOSURE, NATIVE_TABLES, PUBLICATION, Names, literal
from calve.warehouse.served import iceberg_tables, read_served
from calve.warehouse.target import Row, Target, TargetTable

ROWS_PER_INSERT = 500


def fill(conn: SnowflakeConnection, names: Names, idle: str, target: Target, *, epoch: int) -> None:
    """Point every table of the idle schema at the target and write the native tables anew."""
    there = iceberg_tables(conn, names, idle)
    for surplus in sorted(there - target.tables.keys()):
        with effect("table.drop"):
            execute(conn, ddl.drop_iceberg_table(names, idle, surplus))
    for name, table in sorted(target.tables.items()):
        _point(conn, names, idle, table, exists=name in there)
    rows: dict[str, tuple[Row, ...]] = {
        PUBLICATION: target.publications,
        DATA_QUALITY: target.quality,
        EXPOSURE: ((epoch, target.digest),),
    }
    for native in NATIVE_TABLES:
        with effect("native.create"):
            execute(conn, ddl.create_native_table(names, idle, native))
        for start in range(0, len(rows[native]), ROWS_PER_INSERT):
            some = rows[native][start : start + ROWS_PER_INSERT]
            with effect("native.insert"):
                execute(conn, ddl.insert_rows(names, idle, native, some))


def _point(conn: SnowflakeConnection, names: Names, idle: str, table: TargetTable, *, exists: bool) -> None:
    if exists:
        try:
            with effect("table.refresh"):
                execute(conn, ddl.refresh_iceberg_table(names, idle, table.dataset, table.path))
        except ProgrammingError:
            # A table that was made anew under its old name can't be refreshed to; what is wrong with
            # the file itself is said by the statement below.
            exists = False
    if not exists:
        statement = ddl.create_iceberg_table(names, idle, table.dataset, table.path)
        try:
            with effect("table.create"):
                execute(conn, statement)
        except ProgrammingError as error:
            advice = f"check that {table.path} exists under the external volume {names.external_volume}"
            raise refusal(statement, error, advice=advice) from error


def verify(conn: SnowflakeConnection, names: Names, idle: str, target: Target) -> None:
    """Compare what the idle schema serves, by Snowflake's answer, with the records.

    Raises:
        WarehouseStateError: Names what differs; nothing is swapped.
    """
    served = read_served(conn, names, idle)
    if served is None or not served.serves(target):
        found = {} if served is None else served.snapshots
        wrong = sorted(name for name, snapshot in target.snapshots.items() if found.get(name) != snapshot)
        what = ", ".join(f"{n} at snapshot {found.get(n)}, expected {target.snapshots[n]}" for n in wrong)
        msg = (
            f"idle schema {idle}: found {what or 'other tables than the records name'}; nothing was swapped, run again"
        )
        raise WarehouseStateError(msg)
    counts = {name: table.row_count for name, table in target.tables.items()}
    counts |= {PUBLICATION: len(target.publications), DATA_QUALITY: len(target.quality)}
    selects = [f"SELECT {literal(t)} AS T, COUNT(*) AS N FROM {names.table(idle, t)}" for t in sorted(counts)]
    rows = execute(conn, "\nUNION ALL\n".join(selects))
    found_counts = {row["t"]: int(row["n"]) for row in rows}
    if wrong_counts := sorted(name for name in counts if found_counts.get(name) != counts[name]):
        what = ", ".join(f"{n} {found_counts.get(n)} rows, expected {counts[n]}" for n in wrong_counts)
        msg = f"idle schema {idle}: found {what} as published; nothing was swapped, look at the table's files"
        raise WarehouseStateError(msg)
