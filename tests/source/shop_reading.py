"""Days by number, and what a database holds, byte by byte."""

from datetime import date, timedelta

import psycopg

from calve.standin.source import HISTORY_START
from calve.standin.source.schema import PRIMARY_KEYS


def day_of(number: int) -> date:
    return HISTORY_START + timedelta(days=number)


def contents(conn: psycopg.Connection, *, but: str = "") -> dict[str, bytes]:
    """Return the shape and the bytes of every table, rows in key order.

    Args:
        but: A column whose values don't count.
    """
    tables = {}
    for table, key in PRIMARY_KEYS.items():
        shape = conn.execute(f"select * from {table} limit 0").description or ()
        shown = ", ".join(f"null as {column.name}" if column.name == but else column.name for column in shape)
        with conn.cursor().copy(f"copy (select {shown} from {table} order by {', '.join(key)}) to stdout") as copy:
            rows = b"".join(bytes(block) for block in copy)
        tables[table] = repr([(column.name, column.type_code) for column in shape]).encode() + b"\n" + rows
    return tables


def local_date(instant: str, zone: str = "f.timezone") -> str:
    """Return the SQL of the facility's date of an instant."""
    return f"({instant} at time zone {zone})::date"
