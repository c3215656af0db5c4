"""Tables whose rows the stand-in keeps, and dropping whatever has a name in a schema."""

import re
import time

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import Column, NativeTable
from calve.standin.snowflake.engine import DATABASE, SCHEMA
from calve.standin.snowflake.names import find_path
from calve.standin.snowflake.sql_types import canonical, duck_type
from calve.standin.snowflake.statements.context import Context, making, put
from calve.standin.snowflake.tokens import Reader, tokens_of
from calve.standin.snowflake.wire import Rows, status


def create_table(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE [OR REPLACE] TABLE [IF NOT EXISTS] t (column type [NOT NULL], ...) [COPY GRANTS] [COMMENT = '']."""
    wanted = making(reader, replace=replace)
    parts = reader.name()
    if not reader.peek("("):
        raise failures.not_modelled(what=f"CREATE TABLE ... {reader.words(1) or 'without columns'}")
    columns = tuple(_column(text) for text in _split(reader.parenthesised()))
    copy_grants = reader.accept("COPY", "GRANTS")
    found = reader.properties(
        "TABLE",
        modelled={"COMMENT"},
        known={"CLUSTER", "AS", "DATA_RETENTION_TIME_IN_DAYS", "CHANGE_TRACKING", "TAG", "STAGE_FILE_FORMAT", "ROW"},
    )
    with context.store.change() as state:
        rights = context.rights(state)
        where = find_path(state, rights, context.place, parts)
        before = where.schema.items.get(where.name)
        if answer := wanted.stop(where.name, before.owner if before else None, rights, "table"):
            return answer
        rights.need("CREATE TABLE", where.schema, "SCHEMA", where.schema_name)
        made = NativeTable(
            state.take_id(), context.session.role, time.time(), columns, comment=str(found.get("COMMENT", ""))
        )
        lines = ", ".join(f'"{column.name}" {_stored(column)}' for column in columns)
        # Replaced rows stay until the next start: a statement that was resolved before may still read them.
        context.worker.rows(f'create or replace table "{DATABASE}"."{SCHEMA}"."T_{made.id}" ({lines})')
        put(state, where, made, copy_grants=copy_grants)
    return status(f"Table {where.name} successfully created.")


def drop_item(reader: Reader, context: Context, kind: str) -> Rows:
    """DROP {TABLE | ICEBERG TABLE | VIEW} [IF EXISTS] x."""
    if_exists = reader.accept("IF", "EXISTS")
    parts = reader.name()
    reader.accept("RESTRICT")
    reader.accept("CASCADE")
    reader.end()
    with context.store.change() as state:
        rights = context.rights(state)
        word = "View" if kind == "VIEW" else "Table"
        try:
            where = find_path(state, rights, context.place, parts)
            item = where.item(rights, word)
        except failures.SqlError:
            if if_exists:
                return status("Drop statement executed successfully (already dropped).")
            raise
        # DROP TABLE drops Iceberg tables too, DROP ICEBERG TABLE no others.
        if item.kind != kind and (kind, item.kind) != ("TABLE", "ICEBERG TABLE"):
            text = f"Object found is of type '{item.kind}', not specified type '{kind}'."
            raise failures.SqlError(2043, "02000", f"SQL compilation error:\n{text}")
        rights.need("OWNERSHIP", item, item.kind, where.full)
        del where.schema.items[where.name]
        state.forget(item.id)
    return status(f"{where.name} successfully dropped.")


def _column(text: str) -> Column:
    reader = Reader(text)
    if reader.words(1) in {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"}:
        raise failures.not_modelled(what=f"{reader.words(2)} of a native table")
    name = reader.identifier()
    written = reader.identifier() + (" PRECISION" if reader.accept("PRECISION") else "")
    if reader.peek("("):
        written += f"({reader.parenthesised()})"
    kind = canonical(written)
    nullable = not reader.accept("NOT", "NULL")
    reader.accept("NULL")
    if not reader.done:
        raise failures.not_modelled(what=f"{reader.words(1)} of a column")
    return Column(name, kind, nullable)


def _stored(column: Column) -> str:
    return duck_type(column.type) + ("" if column.nullable else " not null")


def _split(text: str) -> list[str]:
    """Split column definitions at the commas that are in no parenthesis."""
    pieces, depth, start = [], 0, 0
    for token in tokens_of(text):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            pieces.append(text[start : token.start])
            start = token.end
    pieces.append(text[start:])
    if any(not re.search(r"\S", piece) for piece in pieces):
        raise failures.syntax(0, ",")
    return pieces
