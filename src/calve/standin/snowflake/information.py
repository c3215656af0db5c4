"""INFORMATION_SCHEMA: what a role sees of a database, as tables made from one state."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pyarrow as pa

from calve.standin.snowflake import failures
from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.catalog import Column, Database, IcebergTable, Item, Schema, State, View
from calve.standin.snowflake.names import Place, find_database, find_path, no_current
from calve.standin.snowflake.tokens import split_name

_TEXT, _NUMBER, _TIME = pa.string(), pa.int64(), pa.timestamp("us", "UTC")
_DEFINITIONS: dict[str, tuple[tuple[str, pa.DataType], ...]] = {
    "SCHEMATA": (
        ("CATALOG_NAME", _TEXT),
        ("SCHEMA_NAME", _TEXT),
        ("SCHEMA_OWNER", _TEXT),
        ("CREATED", _TIME),
        ("COMMENT", _TEXT),
    ),
    "TABLES": (
        ("TABLE_CATALOG", _TEXT),
        ("TABLE_SCHEMA", _TEXT),
        ("TABLE_NAME", _TEXT),
        ("TABLE_OWNER", _TEXT),
        ("TABLE_TYPE", _TEXT),
        ("IS_ICEBERG", _TEXT),
        ("CREATED", _TIME),
        ("LAST_DDL", _TIME),
        ("COMMENT", _TEXT),
    ),
    "VIEWS": (
        ("TABLE_CATALOG", _TEXT),
        ("TABLE_SCHEMA", _TEXT),
        ("TABLE_NAME", _TEXT),
        ("TABLE_OWNER", _TEXT),
        ("VIEW_DEFINITION", _TEXT),
        ("IS_SECURE", _TEXT),
        ("CREATED", _TIME),
        ("COMMENT", _TEXT),
    ),
    "COLUMNS": (
        ("TABLE_CATALOG", _TEXT),
        ("TABLE_SCHEMA", _TEXT),
        ("TABLE_NAME", _TEXT),
        ("COLUMN_NAME", _TEXT),
        ("ORDINAL_POSITION", _NUMBER),
        ("COLUMN_DEFAULT", _TEXT),
        ("IS_NULLABLE", _TEXT),
        ("DATA_TYPE", _TEXT),
        ("CHARACTER_MAXIMUM_LENGTH", _NUMBER),
        ("NUMERIC_PRECISION", _NUMBER),
        ("NUMERIC_SCALE", _NUMBER),
        ("DATETIME_PRECISION", _NUMBER),
    ),
    "HISTORY": (
        ("REFRESHED_ON", _TIME),
        ("METADATA_FILE_NAME", _TEXT),
        ("SNAPSHOT_ID", _TEXT),
        ("SEQUENCE_NUMBER", _TEXT),
        ("ICEBERG_SCHEMA_ID", _TEXT),
        ("QUERY_ID", _TEXT),
        ("IS_CURRENT_SNAPSHOT", pa.bool_()),
        ("SNAPSHOT_SUMMARY", _TEXT),
    ),
}

Line = tuple[object, ...]


def view(state: State, rights: Rights, database: str | None, name: str) -> pa.Table:
    """Return one view of a database's INFORMATION_SCHEMA as the role sees it."""
    if database is None:
        raise no_current(what="DATABASE")
    found = find_database(state, rights, database)
    if name not in _LINES:
        raise failures.not_modelled(what=f"INFORMATION_SCHEMA.{name}")
    return _table(name, list(_LINES[name](database, found, rights)))


def refresh_history(state: State, rights: Rights, place: Place, written: str) -> pa.Table:
    """Return the refreshes of one Iceberg table, newest first."""
    path = find_path(state, rights, place, split_name(written))
    table = path.item(rights, "Table")
    if not isinstance(table, IcebergTable):
        msg = f"'{path.full}' is not an externally managed Iceberg table."
        raise failures.invalid(msg)
    lines: list[Line] = [
        (
            instant(entry.refreshed_at),
            entry.metadata_uri,
            entry.snapshot_id,
            entry.sequence_number,
            entry.schema_id,
            entry.query_id,
            entry is table.refreshes[-1],
            entry.summary,
        )
        for entry in reversed(table.refreshes)
    ]
    return _table("HISTORY", lines)


def instant(seconds: float) -> datetime:
    """Return an instant for a column of type TIMESTAMP_LTZ."""
    return datetime.fromtimestamp(seconds, UTC)


def split_type(written: str) -> tuple[str, tuple[int, ...]]:
    """Return the name of a type and its numbers, e.g. NUMBER and (19, 0)."""
    match = re.fullmatch(r"(\w+)(?:\((\d+)(?:,\s*(\d+))?\))?", written)
    if match is None:
        return written, ()
    return match.group(1), tuple(int(number) for number in match.groups()[1:] if number is not None)


def _items(database: Database, rights: Rights) -> Iterator[tuple[str, str, Item]]:
    for schema_name, schema in sorted(database.schemas.items()):
        if not rights.may_use_schema(database, schema):
            continue
        for name, item in sorted(schema.items.items()):
            if rights.sees(item.id, item.owner):
                yield schema_name, name, item


def _schemata(name: str, database: Database, rights: Rights) -> Iterator[Line]:
    known: dict[str, Schema] = dict(sorted(database.schemas.items()))
    for schema_name, schema in known.items():
        if rights.sees(schema.id, schema.owner):
            yield name, schema_name, schema.owner, instant(schema.created_at), schema.comment
    yield name, "INFORMATION_SCHEMA", "", instant(database.created_at), "Views describing the contents of schemas"


def _tables(name: str, database: Database, rights: Rights) -> Iterator[Line]:
    for schema_name, table, item in _items(database, rights):
        kind = "VIEW" if isinstance(item, View) else "BASE TABLE"
        iceberg = "YES" if isinstance(item, IcebergTable) else "NO"
        created = instant(item.created_at)
        yield name, schema_name, table, item.owner, kind, iceberg, created, created, item.comment


def _views(name: str, database: Database, rights: Rights) -> Iterator[Line]:
    for schema_name, view_name, item in _items(database, rights):
        if isinstance(item, View):
            secure = "YES" if item.secure else "NO"
            created = instant(item.created_at)
            yield name, schema_name, view_name, item.owner, item.text, secure, created, item.comment


def _columns(name: str, database: Database, rights: Rights) -> Iterator[Line]:
    for schema_name, table, item in _items(database, rights):
        for at, column in enumerate(item.columns, start=1):
            yield name, schema_name, table, column.name, at, None, *_described(column)


def _described(column: Column) -> Line:
    kind, numbers = split_type(column.type)
    shown = {"VARCHAR": "TEXT"}.get(kind, kind)
    length = numbers[0] if kind in {"VARCHAR", "BINARY"} and numbers else None
    precision, scale = numbers if kind == "NUMBER" else (None, None)
    fraction = numbers[0] if kind.startswith("TIME") and numbers else None
    return "YES" if column.nullable else "NO", shown, length, precision, scale, fraction


def _table(name: str, lines: list[Line]) -> pa.Table:
    fields = _DEFINITIONS[name]
    columns = [pa.array([line[at] for line in lines], kind) for at, (_, kind) in enumerate(fields)]
    return pa.Table.from_arrays(columns, names=[title for title, _ in fields])


_LINES: dict[str, Callable[[str, Database, Rights], Iterator[Line]]] = {
    "SCHEMATA": _schemata,
    "TABLES": _tables,
    "VIEWS": _views,
    "COLUMNS": _columns,
}
