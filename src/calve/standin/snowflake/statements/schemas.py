"""Schemas: made, dropped, renamed, swapped.

Renaming and swapping move names between contents; contents, grants and owners stay together. Both are one
change of the state, so no statement sees half of it.
"""

import time

from calve.standin.snowflake import failures
from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.catalog import Schema, State
from calve.standin.snowflake.names import find_database, find_schema, qualified_schema
from calve.standin.snowflake.statements.account import CONTAINER_OPTIONS
from calve.standin.snowflake.statements.context import OK, Context, making, schema_ids
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import Rows, status


def create_schema(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE [OR REPLACE] SCHEMA [IF NOT EXISTS] x; it becomes the current one."""
    wanted = making(reader, replace=replace)
    parts = reader.name()
    found = reader.properties("SCHEMA", modelled={"COMMENT"}, known=CONTAINER_OPTIONS)
    with context.store.change() as state:
        rights = context.rights(state)
        database_name, name = qualified_schema(context.place, parts)
        database = find_database(state, rights, database_name)
        before = database.schemas.get(name)
        if answer := wanted.stop(name, before.owner if before else None, rights, "schema"):
            return answer
        rights.need("CREATE SCHEMA", database, "DATABASE", database_name)
        if before is not None:
            state.forget(*schema_ids(before))
        made = Schema(state.take_id(), context.session.role, time.time(), comment=str(found.get("COMMENT", "")))
        database.schemas[name] = made
    context.session.database, context.session.schema = database_name, name
    return status(f"Schema {name} successfully created.")


def alter_schema(reader: Reader, context: Context) -> Rows:
    """ALTER SCHEMA [IF EXISTS] a {RENAME TO b | SWAP WITH b}."""
    if_exists = reader.accept("IF", "EXISTS")
    parts = reader.name()
    if not (reader.peek("RENAME", "TO") or reader.peek("SWAP", "WITH")):
        raise failures.not_modelled(what=f"ALTER SCHEMA ... {reader.words(2)}")
    action = reader.choose("RENAME TO", "SWAP WITH")
    other = reader.name()
    reader.end()
    with context.store.change() as state:
        rights = context.rights(state)
        try:
            database_name, name, schema = find_schema(state, rights, context.place, parts)
        except failures.SqlError:
            if if_exists:
                return status(OK)
            raise
        rights.need("OWNERSHIP", schema, "SCHEMA", f"{database_name}.{name}")
        if action == "RENAME TO":
            _rename(state, rights, (database_name, name), qualified_schema(context.place, other))
        else:
            _swap(state, rights, (database_name, name), qualified_schema(context.place, other))
    return status(OK)


def drop_schema(state: State, rights: Rights, database_name: str, name: str) -> None:
    """Remove a schema with all that is in it."""
    database = find_database(state, rights, database_name)
    schema = database.schemas.get(name)
    if schema is None or not rights.sees(schema.id, schema.owner):
        raise failures.missing(kind="Schema", name=f"{database_name}.{name}")
    rights.need("OWNERSHIP", schema, "SCHEMA", f"{database_name}.{name}")
    del database.schemas[name]
    state.forget(*schema_ids(schema))


def _rename(state: State, rights: Rights, source: tuple[str, str], target: tuple[str, str]) -> None:
    if source[0] != target[0]:
        raise failures.not_modelled(what="ALTER SCHEMA ... RENAME TO another database")
    database = find_database(state, rights, source[0])
    rights.need("CREATE SCHEMA", database, "DATABASE", source[0])
    if target[1] in database.schemas or target[1] == "INFORMATION_SCHEMA":
        raise failures.exists(target[1])
    database.schemas[target[1]] = database.schemas.pop(source[1])


def _swap(state: State, rights: Rights, source: tuple[str, str], target: tuple[str, str]) -> None:
    if source[0] != target[0]:
        raise failures.not_modelled(what="ALTER SCHEMA ... SWAP WITH a schema of another database")
    database = find_database(state, rights, source[0])
    other = database.schemas.get(target[1])
    if other is None or not rights.sees(other.id, other.owner):
        raise failures.missing(kind="Schema", name=".".join(target))
    rights.need("OWNERSHIP", other, "SCHEMA", ".".join(target))
    database.schemas[source[1]], database.schemas[target[1]] = other, database.schemas[source[1]]
