"""Finds the grammar of a statement; what has none is refused by name.

Nothing falls through to DuckDB: a statement either starts with words that are listed here, or is not modelled.
"""

from collections.abc import Callable

from calve.standin.snowflake import failures
from calve.standin.snowflake.names import find_schema
from calve.standin.snowflake.statements import (
    account,
    describe,
    grants,
    iceberg,
    native,
    policies,
    query,
    roles,
    schemas,
    sessions,
    show,
    users,
    views,
)
from calve.standin.snowflake.statements.context import OK, Context
from calve.standin.snowflake.tokens import Reader, tokens_of
from calve.standin.snowflake.wire import Result, Rows, status

_CREATE: dict[str, Callable[..., Rows]] = {
    "EXTERNAL VOLUME": account.create_volume,
    "CATALOG INTEGRATION": account.create_integration,
    "ICEBERG TABLE": iceberg.create_table,
    "MASKING POLICY": policies.create_policy,
    "DATABASE": account.create_database,
    "SCHEMA": schemas.create_schema,
    "TABLE": native.create_table,
    "ROLE": roles.create_role,
    "USER": users.create_user,
}
_ALTER: dict[str, Callable[[Reader, Context], Rows]] = {
    "ICEBERG TABLE": iceberg.alter_table,
    "SCHEMA": schemas.alter_schema,
    "SESSION": sessions.alter_session,
    "USER": users.alter_user,
}
_QUERIES = {"SELECT", "WITH", "VALUES", "("}
_WRITES = {"INSERT", "UPDATE", "DELETE"}


def run(sql: str, context: Context) -> Result:
    """Run one statement.

    Raises:
        SqlError: It is wrong, not allowed, or not modelled; nothing was changed.
    """
    _one_statement(sql)
    reader = Reader(sql)
    if reader.done:
        raise failures.SqlError(900, "42000", "SQL compilation error:\nEmpty SQL statement.")
    word = reader.words(1) or ("(" if reader.peek("(") else "")
    if word in _QUERIES or word in _WRITES:
        query.refuse_time_travel(sql)
        return query.select(sql, context) if word in _QUERIES else query.write(sql, context)
    if (grammar := _GRAMMARS.get(word)) is None:
        raise failures.not_modelled(what=f"statement {reader.words(3) or sql.strip()[:20]}")
    reader.accept(word)
    return grammar(reader, context)


def _create(reader: Reader, context: Context) -> Rows:
    replace = reader.accept("OR", "REPLACE")
    if reader.peek("OR", "ALTER"):
        raise failures.not_modelled(what="CREATE OR ALTER")
    if reader.peek("DATABASE", "ROLE"):
        raise failures.not_modelled(what="CREATE DATABASE ROLE")
    secure = reader.accept("SECURE")
    if reader.accept("VIEW"):
        return views.create_view(reader, context, replace=replace, secure=secure)
    for words, grammar in _CREATE.items():
        if not secure and reader.accept(*words.split()):
            return grammar(reader, context, replace=replace)
    raise failures.not_modelled(what=f"CREATE {'SECURE ' if secure else ''}{reader.words(2)}")


def _alter(reader: Reader, context: Context) -> Rows:
    for words, grammar in _ALTER.items():
        if reader.accept(*words.split()):
            return grammar(reader, context)
    raise failures.not_modelled(what=f"ALTER {reader.words(2)}")


def _drop(reader: Reader, context: Context) -> Rows:
    for kind in ("ICEBERG TABLE", "TABLE", "VIEW"):
        if reader.accept(*kind.split()):
            return native.drop_item(reader, context, kind)
    kinds = ("SCHEMA", "EXTERNAL VOLUME", "INTEGRATION", "CATALOG INTEGRATION", "ROLE")
    if not any(reader.peek(*kind.split()) for kind in kinds):
        raise failures.not_modelled(what=f"DROP {reader.words(2)}")
    kind = reader.choose(*kinds)
    if_exists = reader.accept("IF", "EXISTS")
    parts = reader.name()
    if kind == "SCHEMA":
        reader.accept("CASCADE")
        if reader.accept("RESTRICT"):
            raise failures.not_modelled(what="DROP SCHEMA ... RESTRICT")
    reader.end()
    with context.store.change() as state:
        rights = context.rights(state)
        try:
            if kind == "SCHEMA":
                database, name, _ = find_schema(state, rights, context.place, parts)
                schemas.drop_schema(state, rights, database, name)
            elif kind == "EXTERNAL VOLUME":
                account.drop_volume(state, rights, parts[-1])
            elif kind == "ROLE":
                roles.drop_role(state, rights, parts[-1])
            else:
                account.drop_integration(state, rights, parts[-1])
        except failures.SqlError as error:
            if not if_exists or error.errno != failures.DOES_NOT_EXIST:
                raise
            return status("Drop statement executed successfully (already dropped).")
    return status(f"{parts[-1]} successfully dropped.")


def _grant(reader: Reader, context: Context) -> Rows:
    if reader.accept("ROLE"):
        return roles.grant_role(reader, context, give=True)
    return grants.change_privileges(reader, context, give=True)


def _revoke(reader: Reader, context: Context) -> Rows:
    if reader.accept("ROLE"):
        return roles.grant_role(reader, context, give=False)
    return grants.change_privileges(reader, context, give=False)


def _nothing_open(reader: Reader, context: Context) -> Rows:
    """COMMIT and ROLLBACK outside a transaction succeed and do nothing, as in Snowflake."""
    del context
    reader.accept("WORK")
    reader.end()
    return status(OK)


def _one_statement(sql: str) -> None:
    tokens = [token.text for token in tokens_of(sql)]
    while tokens and tokens[-1] == ";":
        tokens.pop()
    if ";" in tokens:
        text = "Actual statement count 2 did not match the desired statement count 1."
        raise failures.SqlError(8, "0A000", text)


_GRAMMARS: dict[str, Callable[[Reader, Context], Rows]] = {
    "CREATE": _create,
    "ALTER": _alter,
    "DROP": _drop,
    "GRANT": _grant,
    "REVOKE": _revoke,
    "USE": sessions.use,
    "SHOW": show.show,
    "DESCRIBE": describe.describe,
    "DESC": describe.describe,
    "COMMIT": _nothing_open,
    "ROLLBACK": _nothing_open,
}
