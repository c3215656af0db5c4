"""Queries and changes of rows: resolved in one state, translated, run on DuckDB."""

import itertools
from typing import Any

from sqlglot import exp

from calve.standin.snowflake import failures
from calve.standin.snowflake.engine import Worker
from calve.standin.snowflake.resolve import Resolver, parse, place_scans
from calve.standin.snowflake.statements.context import Context
from calve.standin.snowflake.tokens import tokens_of
from calve.standin.snowflake.wire import DELETE, INSERT, UPDATE, Result, Selected, counted

_WRITES = {
    exp.Insert: ("INSERT", "inserted", INSERT),
    exp.Update: ("UPDATE", "updated", UPDATE),
    exp.Delete: ("DELETE", "deleted", DELETE),
}


def select(sql: str, context: Context) -> Result:
    """SELECT, WITH, VALUES: return the rows."""
    tree = checked(parse(sql))
    resolver = Resolver(context.store.current, context.session)
    ready = _translated(resolver, resolver.resolve(tree), context.worker, context.parameters)
    with context.worker.registered(resolver.sources.registered):
        return Selected(context.worker.table(ready, context.parameters))


def write(sql: str, context: Context) -> Result:
    """INSERT, UPDATE, DELETE on a native table: return how many rows changed."""
    tree = parse(sql)
    found = next((names for kind, names in _WRITES.items() if isinstance(tree, kind)), None)
    if found is None:
        raise failures.not_modelled(type(tree).__name__.upper())
    privilege, verb, statement = found
    if tree.args.get("overwrite") or tree.args.get("using") or tree.args.get("returning"):
        raise failures.not_modelled(what=f"{privilege} with OVERWRITE, USING or RETURNING")
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table):
        raise failures.not_modelled(what=f"{privilege} into {table}")
    resolver = Resolver(context.store.current, context.session)
    resolver.target(table, privilege)
    ready = _translated(resolver, resolver.resolve(tree), context.worker, context.parameters)
    with context.worker.registered(resolver.sources.registered):
        rows = context.worker.rows(ready, context.parameters)
    return counted(verb, rows[0][0], statement)


def checked(tree: exp.Expr) -> exp.Expr:
    """Make sure that a tree is a query."""
    if not isinstance(tree, exp.Query | exp.Values):
        raise failures.not_modelled(what=f"{type(tree).__name__} as a query")
    return tree


def described(context: Context, resolver: Resolver, tree: exp.Expr) -> list[tuple[Any, ...]]:
    """Return name and DuckDB type of each column of a resolved query, without running it."""
    ready = _translated(resolver, tree, context.worker, None)
    with context.worker.registered(resolver.sources.registered):
        return context.worker.rows(f"describe {ready}")


def refuse_time_travel(sql: str) -> None:
    """Refuse AT and BEFORE by name; the parser knows only some of their forms."""
    words = [token.text.upper() for token in tokens_of(sql)]
    for word, following in itertools.pairwise(words):
        if word in {"AT", "BEFORE"} and following == "(":
            raise failures.not_modelled(what=f"time travel by {word}(...)")


def _translated(resolver: Resolver, tree: exp.Expr, worker: Worker, parameters: list[Any] | None) -> str:
    return place_scans(worker.translate(tree, parameters), resolver.sources)
