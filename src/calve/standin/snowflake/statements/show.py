"""SHOW: lists what the role sees, in the columns that clients look at."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import IcebergTable, Item, State, View
from calve.standin.snowflake.names import find_database, find_schema
from calve.standin.snowflake.statements.context import Context
from calve.standin.snowflake.statements.show_grants import show_grants
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import SHOW, Rows

Line = tuple[object, ...]
_KINDS = ("EXTERNAL VOLUMES", "CATALOG INTEGRATIONS", "INTEGRATIONS", "ICEBERG TABLES", "MASKING POLICIES")
_ITEM = ("created_on", "name", "database_name", "schema_name", "owner", "comment", "kind")


@dataclass(frozen=True)
class Scope:
    """Which part of the account a SHOW looks at."""

    database: str | None
    schema: str | None


def show(reader: Reader, context: Context) -> Rows:
    """SHOW [TERSE] <objects> [LIKE 'p'] [IN {ACCOUNT | DATABASE d | SCHEMA s}] [STARTS WITH 's'] [LIMIT n]."""
    if reader.accept("GRANTS"):
        return show_grants(reader, context)
    terse = reader.accept("TERSE")
    kinds = (*_KINDS, "DATABASES", "SCHEMAS", "TABLES", "VIEWS", "ROLES", "PARAMETERS")
    if not any(reader.peek(*kind.split()) for kind in kinds):
        raise failures.not_modelled(what=f"SHOW {reader.words(2)}")
    kind = reader.choose(*kinds)
    like = reader.string() if reader.accept("LIKE") else None
    scope = _scope(reader, context)
    starts = reader.string() if reader.accept("STARTS", "WITH") else ""
    limit = reader.number() if reader.accept("LIMIT") else None
    if not reader.done:
        raise failures.not_modelled(what=f"SHOW {kind} ... {reader.words(1)}")
    if terse and kind not in {"DATABASES", "SCHEMAS", "TABLES", "VIEWS", "ICEBERG TABLES"}:
        raise failures.not_modelled(what=f"SHOW TERSE {kind}")
    titles, lines = _LISTS[kind](context, scope)
    at = titles.index("name") if "name" in titles else 0
    pattern = _pattern(like)
    chosen = [line for line in lines if pattern.fullmatch(str(line[at])) and str(line[at]).startswith(starts)]
    if terse:
        kept = [
            titles.index(name)
            for name in ("created_on", "name", "kind", "database_name", "schema_name")
            if name in titles
        ]
        titles = tuple(titles[at] for at in kept)
        chosen = [tuple(line[at] for at in kept) for line in chosen]
    columns = tuple((title, "timestamp_ltz" if title == "created_on" else "text") for title in titles)
    return Rows(columns, chosen[:limit], SHOW)


def _scope(reader: Reader, context: Context) -> Scope:
    state = context.store.current
    rights = context.rights(state)
    if not reader.accept("IN"):
        return Scope(context.session.database, context.session.schema)
    if reader.accept("ACCOUNT"):
        return Scope(None, None)
    kind = reader.choose("DATABASE", "SCHEMA") if reader.words(1) in {"DATABASE", "SCHEMA"} else ""
    if reader.done:
        return Scope(context.session.database, context.session.schema if kind == "SCHEMA" else None)
    parts = reader.name()
    if kind == "DATABASE" or (not kind and len(parts) == 1 and parts[0] in state.databases):
        find_database(state, rights, parts[0])
        return Scope(parts[0], None)
    database, schema, _ = find_schema(state, rights, context.place, parts)
    return Scope(database, schema)


def _pattern(like: str | None) -> re.Pattern[str]:
    if like is None:
        return re.compile(".*", re.DOTALL)
    body = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in like)
    return re.compile(body, re.IGNORECASE | re.DOTALL)


def _items(context: Context, scope: Scope) -> Iterator[tuple[str, str, str, Item]]:
    state = context.store.current
    rights = context.rights(state)
    for database_name, database in sorted(state.databases.items()):
        for schema_name, schema in sorted(database.schemas.items()):
            inside = scope.database in {None, database_name} and scope.schema in {None, schema_name}
            if not inside or not rights.may_use_schema(database, schema):
                continue
            for name, item in sorted(schema.items.items()):
                if rights.sees(item.id, item.owner):
                    yield database_name, schema_name, name, item


def _shared(place: tuple[str, str, str], item: Item) -> Line:
    database, schema, name = place
    return (_at(item.created_at), name, database, schema, item.owner, item.comment)


def _tables(context: Context, scope: Scope) -> tuple[tuple[str, ...], list[Line]]:
    lines = []
    for *place, item in _items(context, scope):
        if not isinstance(item, View):
            iceberg = "Y" if isinstance(item, IcebergTable) else "N"
            lines.append((*_shared((place[0], place[1], place[2]), item), "TABLE", iceberg))
    return (*_ITEM, "is_iceberg"), lines


def _iceberg_tables(context: Context, scope: Scope) -> tuple[tuple[str, ...], list[Line]]:
    titles = (
        *_ITEM,
        "external_volume_name",
        "catalog_name",
        "iceberg_table_type",
        "base_location",
        "metadata_file_path",
    )
    lines: list[Line] = []
    for *place, item in _items(context, scope):
        if isinstance(item, IcebergTable):
            shared = _shared((place[0], place[1], place[2]), item)
            more = (item.volume, item.integration, "UNMANAGED", "", item.metadata_path)
            lines.append((*shared, "ICEBERG TABLE", *more))
    return titles, lines


def _views(context: Context, scope: Scope) -> tuple[tuple[str, ...], list[Line]]:
    lines: list[Line] = []
    for *place, item in _items(context, scope):
        if isinstance(item, View):
            shared = _shared((place[0], place[1], place[2]), item)
            lines.append((*shared, "VIEW", item.text, str(item.secure).lower(), "false"))
    return (*_ITEM, "text", "is_secure", "is_materialized"), lines


def _schemas(context: Context, scope: Scope) -> tuple[tuple[str, ...], list[Line]]:
    state = context.store.current
    rights = context.rights(state)
    lines: list[Line] = [
        (_at(schema.created_at), name, database_name, schema.owner, schema.comment)
        for database_name, database in sorted(state.databases.items())
        for name, schema in sorted(database.schemas.items())
        if scope.database in {None, database_name} and rights.sees(schema.id, schema.owner)
    ]
    return ("created_on", "name", "database_name", "owner", "comment"), lines


def _account_level(kind: str) -> Callable[[Context, Scope], tuple[tuple[str, ...], list[Line]]]:
    def listed(context: Context, scope: Scope) -> tuple[tuple[str, ...], list[Line]]:
        del scope
        state = context.store.current
        rights = context.rights(state)
        entries = _of_kind(state, kind)
        lines: list[Line] = [
            (_at(created), name, owner, comment)
            for name, (number, owner, created, comment) in sorted(entries.items())
            if kind == "ROLES" or rights.sees(number, owner)
        ]
        return ("created_on", "name", "owner", "comment"), lines

    return listed


def _of_kind(state: State, kind: str) -> dict[str, tuple[int, str, float, str]]:
    if kind == "DATABASES":
        return {name: (d.id, d.owner, d.created_at, d.comment) for name, d in state.databases.items()}
    if kind == "ROLES":
        return {name: (r.id, r.owner, r.created_at, r.comment) for name, r in state.roles.items()}
    if kind == "EXTERNAL VOLUMES":
        return {name: (v.id, v.owner, v.created_at, v.comment) for name, v in state.volumes.items()}
    if kind == "MASKING POLICIES":
        schemas = [schema for database in state.databases.values() for schema in database.schemas.values()]
        return {name: (p.id, p.owner, p.created_at, "") for s in schemas for name, p in s.policies.items()}
    return {name: (i.id, i.owner, i.created_at, i.comment) for name, i in state.integrations.items()}


def _parameters(context: Context, scope: Scope) -> tuple[tuple[str, ...], list[Line]]:
    del scope
    lines: list[Line] = [(key, value, "", "SESSION") for key, value in sorted(context.session.parameters.items())]
    return ("key", "value", "default", "level"), lines


def _at(instant: float) -> str:
    return f"{instant:.6f}"


_LISTS: dict[str, Callable[[Context, Scope], tuple[tuple[str, ...], list[Line]]]] = {
    "TABLES": _tables,
    "ICEBERG TABLES": _iceberg_tables,
    "VIEWS": _views,
    "SCHEMAS": _schemas,
    "PARAMETERS": _parameters,
    **{
        kind: _account_level(kind)
        for kind in ("DATABASES", "ROLES", "EXTERNAL VOLUMES", "MASKING POLICIES", "INTEGRATIONS")
    },
    "CATALOG INTEGRATIONS": _account_level("INTEGRATIONS"),
}
