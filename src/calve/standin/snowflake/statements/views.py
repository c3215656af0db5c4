"""Views: stored as text, compiled when made, resolved by name each time they are read."""

import time
from dataclasses import dataclass

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import Column, View
from calve.standin.snowflake.names import Place, find_path
from calve.standin.snowflake.resolve import Origin, Resolver, parse
from calve.standin.snowflake.sql_types import from_duck
from calve.standin.snowflake.statements import query
from calve.standin.snowflake.statements.context import OK, Context, making, put
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import Rows, status


@dataclass(frozen=True)
class Asked:
    """What a CREATE VIEW says after the name."""

    names: tuple[str, ...]
    copy_grants: bool
    comment: str
    query: str


def create_view(reader: Reader, context: Context, *, replace: bool, secure: bool) -> Rows:
    """CREATE [OR REPLACE] [SECURE] VIEW [IF NOT EXISTS] v [(columns)] [COPY GRANTS] [COMMENT = ''] AS query."""
    wanted = making(reader, replace=replace)
    parts = reader.name()
    asked = _asked(reader)
    if asked.copy_grants and not replace:
        msg = "COPY GRANTS is only allowed with OR REPLACE."
        raise failures.invalid(msg)
    state = context.store.current
    where = find_path(state, context.rights(state), context.place, parts)
    if wanted.if_not_exists and (there := where.schema.items.get(where.name)) is not None:
        return wanted.stop(where.name, there.owner, context.rights(state), "view") or status(OK)
    columns = _compiled(context, asked, Place(where.database_name, where.schema_name))
    with context.store.change() as state:
        rights = context.rights(state)
        where = find_path(state, rights, context.place, parts)
        before = where.schema.items.get(where.name)
        if answer := wanted.stop(where.name, before.owner if before else None, rights, "view"):
            return answer
        if before is not None and not isinstance(before, View):
            msg = f"Object found is of type 'TABLE', not specified type 'VIEW': {where.full}."
            raise failures.invalid(msg)
        rights.need("CREATE VIEW", where.schema, "SCHEMA", where.schema_name)
        view = View(
            id=state.take_id(),
            owner=context.session.role,
            created_at=time.time(),
            text=reader.sql.strip().rstrip(";"),
            query=asked.query,
            columns=columns,
            secure=secure,
            comment=asked.comment,
        )
        put(state, where, view, copy_grants=asked.copy_grants)
    return status(f"View {where.name} successfully created.")


def _asked(reader: Reader) -> Asked:
    names = _column_names(reader)
    copy_grants = reader.accept("COPY", "GRANTS")
    comment = ""
    if reader.accept("COMMENT"):
        reader.expect("=")
        comment = reader.string()
    if reader.words(1) in {"WITH", "MASKING", "ROW", "CHANGE_TRACKING", "TAG", "AGGREGATION"}:
        raise failures.not_modelled(what=f"{reader.words(2)} of a view")
    reader.expect("AS")
    return Asked(tuple(names), copy_grants, comment, reader.rest())


def _column_names(reader: Reader) -> list[str]:
    names: list[str] = []
    if not reader.accept("("):
        return names
    while not names or reader.accept(","):
        names.append(reader.identifier())
        if not (reader.peek(",") or reader.peek(")")):
            raise failures.not_modelled(what=f"{reader.words(2)} of a view's column")
    reader.expect(")")
    return names


def _compiled(context: Context, asked: Asked, place: Place) -> tuple[Column, ...]:
    query.refuse_time_travel(asked.query)
    resolver = Resolver(context.store.current, context.session)
    origin = Origin(resolver.start.rights, place)
    tree = query.checked(parse(asked.query))
    table = query.described(context, resolver, resolver.resolve(tree, origin))
    described = [(row[0], from_duck(row[1])) for row in table]
    names = asked.names
    if names and len(names) != len(described):
        text = f"Invalid column definition list: {len(names)} names for {len(described)} columns."
        raise failures.SqlError(2026, "42601", f"SQL compilation error:\n{text}")
    shown = list(names) or [name for name, _ in described]
    if len(set(shown)) != len(shown):
        twice = sorted({name for name in shown if shown.count(name) > 1})
        raise failures.SqlError(2025, "42S21", f"SQL compilation error:\nduplicate column name '{twice[0]}'")
    return tuple(Column(name, kind) for name, (_, kind) in zip(shown, described, strict=True))
