"""Replaces every name in a query by what it means in one state.

Views are inlined, resolved by name at this moment and with their owner's rights; tables become sources that
the translator leaves alone. All names of a statement are looked up in the same state, so it sees what was
before a swap or what was after it, never a mix.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import sqlglot
import sqlglot.errors
from sqlglot import exp

from calve.standin.snowflake import failures, functions, information
from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.catalog import IcebergTable, Item, MaskingPolicy, NativeTable, State, View
from calve.standin.snowflake.engine import DATABASE, SCHEMA
from calve.standin.snowflake.metadata import scan
from calve.standin.snowflake.names import Path, Place, find_path
from calve.standin.snowflake.session import Session

_DEEPEST = 20
_PLACEHOLDER = re.compile(r'"(calve source \d+)"')
_RESOLVED = "calve_resolved"
_CARRIED = ("pivots", "sample", "joins", "laterals")


@dataclass
class Sources:
    """What the placeholders of a resolved query stand for.

    Attributes:
        scans: DuckDB queries by placeholder.
        registered: Arrow tables by placeholder.
    """

    scans: dict[str, str] = field(default_factory=dict)
    registered: dict[str, pa.Table] = field(default_factory=dict)

    def name(self) -> str:
        """Return a placeholder that is not in use."""
        return f"calve source {len(self.scans) + len(self.registered)}"

    def placed(self, name: str) -> str:
        """Return what DuckDB reads for a placeholder."""
        return f"({self.scans[name]})" if name in self.scans else f'"{name}"'


@dataclass(frozen=True)
class Origin:
    """From where names are looked up: a session, or a view's place and owner."""

    rights: Rights
    place: Place
    depth: int = 0


def parse(sql: str) -> exp.Expr:
    """Parse one statement of Snowflake's SQL."""
    try:
        return sqlglot.parse_one(sql, read="snowflake")
    except (sqlglot.errors.ParseError, sqlglot.errors.TokenError) as error:
        lines = str(error).replace("\x1b[4m", "").replace("\x1b[0m", "").split("\n")
        raise failures.SqlError(1003, "42000", f"SQL compilation error:\nsyntax error {lines[0]}") from error


class Resolver:
    """Resolves one statement of one session against one state."""

    def __init__(self, state: State, session: Session) -> None:
        self.state = state
        self.session = session
        self.sources = Sources()
        self.start = Origin(Rights(state, session.role), Place(session.database, session.schema))

    def resolve(self, tree: exp.Expr, origin: Origin | None = None) -> exp.Expr:
        """Return the tree with every table, view and session function replaced."""
        origin = origin or self.start
        asker = functions.Asker(self.state, self.session, origin.rights, origin.place)
        refuse_unmodelled(tree)
        for node in list(tree.find_all(exp.TableFromRows)):
            self._table_function(node, origin)
        for table in list(tree.find_all(exp.Table)):
            if not table.meta.get(_RESOLVED) and not _is_cte(table):
                self._table(table, origin)
        for column in tree.find_all(exp.Column):
            column.set("db", None)
            column.set("catalog", None)
        for call in list(tree.find_all(exp.Func)):
            if (value := functions.answered(call, asker)) is not None:
                call.replace(value)
        return functions.with_ratios(tree)

    def target(self, table: exp.Table, privilege: str) -> tuple[Path, NativeTable]:
        """Return the native table that a statement writes to, and point the statement at its rows."""
        path = find_path(self.state, self.start.rights, self.start.place, _parts(table))
        item = path.item(self.start.rights, "Table")
        if isinstance(item, IcebergTable):
            text = f"Iceberg table '{path.full}' is managed by an external catalog and is read-only."
            raise failures.SqlError(91372, "0A000", f"SQL compilation error:\n{text}")
        if not isinstance(item, NativeTable):
            msg = f"'{path.full}' is a view; rows go into tables."
            raise failures.invalid(msg)
        self.start.rights.need(privilege, item, "TABLE", path.full)
        _point(table, f"T_{item.id}", stored=True)
        return path, item

    def _table(self, table: exp.Table, origin: Origin) -> None:
        if not isinstance(table.this, exp.Identifier):
            raise failures.not_modelled(what=f"the source {table.this.sql(dialect='snowflake')}")
        parts = _parts(table)
        alias = table.alias_or_name if table.alias else parts[-1]
        if len(parts) > 1 and parts[-2] == "INFORMATION_SCHEMA":
            database = parts[0] if parts[:-2] else origin.place.database
            self._register(table, information.view(self.state, origin.rights, database, parts[-1]), alias)
            return
        path = find_path(self.state, origin.rights, origin.place, parts)
        item = path.item(origin.rights)
        origin.rights.need("SELECT", item, item.kind, path.full)
        if isinstance(item, View):
            self._inline(table, item, path, origin, alias)
            return
        if isinstance(item, NativeTable):
            _point(table, f"T_{item.id}", stored=True)
        else:
            name = self.sources.name()
            self.sources.scans[name] = scan(item.metadata_uri, item.columns)
            _point(table, name)
        _named(table, alias)
        self._mask(table, item, path, alias)

    def _inline(self, table: exp.Table, view: View, path: Path, origin: Origin, alias: str) -> None:
        if origin.depth >= _DEEPEST:
            msg = f"View '{path.full}' refers to itself or is nested too deeply."
            raise failures.invalid(msg)
        place = Place(path.database_name, path.schema_name)
        inner = Origin(Rights(self.state, view.owner), place, origin.depth + 1)
        body = self.resolve(parse(view.query), inner)
        names = [exp.to_identifier(column.name, quoted=True) for column in view.columns]
        written = table.args.get("alias")
        chosen = written.columns if isinstance(written, exp.TableAlias) and written.columns else names
        _replace(table, body, exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=chosen))

    def _mask(self, table: exp.Table, item: Item, path: Path, alias: str) -> None:
        if not any(column.policy_id is not None for column in item.columns):
            return
        policies = {policy.id: policy for policy in _policies(path)}
        shown = []
        for column in item.columns:
            value: exp.Expr = exp.column(exp.to_identifier(column.name, quoted=True))
            policy = policies.get(column.policy_id) if column.policy_id is not None else None
            if policy is not None:
                value = self._masked(policy.body, policy.argument, value)
            shown.append(exp.alias_(value, exp.to_identifier(column.name, quoted=True)))
        inner = table.copy()
        for name in _CARRIED:
            inner.set(name, None)
        _replace(table, exp.select(*shown).from_(inner), exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))

    def _masked(self, body: str, argument: str, value: exp.Expr) -> exp.Expr:
        rule = exp.Paren(this=parse(f"select {body}").expressions[0])
        for column in list(rule.find_all(exp.Column)):
            if column.name.upper() == argument:
                column.replace(value.copy())
        return rule

    def _table_function(self, node: exp.TableFromRows, origin: Origin) -> None:
        call = node.this
        if isinstance(call, exp.Generator | exp.Explode):
            return
        name = call.sql(dialect="snowflake").split("(")[0].upper()
        if not name.endswith("INFORMATION_SCHEMA.ICEBERG_TABLE_SNAPSHOT_REFRESH_HISTORY"):
            raise failures.not_modelled(what=f"table function {name}")
        argument = call.find(exp.Kwarg)
        if argument is None or argument.name.upper() != "TABLE_NAME":
            msg = "ICEBERG_TABLE_SNAPSHOT_REFRESH_HISTORY takes TABLE_NAME => '<table>'."
            raise failures.invalid(msg)
        rows = information.refresh_history(self.state, origin.rights, origin.place, argument.expression.name)
        source = exp.Table()
        source.set("alias", node.args.get("alias"))
        node.replace(source)
        self._register(source, rows, source.alias or "ICEBERG_TABLE_SNAPSHOT_REFRESH_HISTORY")

    def _register(self, table: exp.Table, rows: pa.Table, alias: str) -> None:
        name = self.sources.name()
        self.sources.registered[name] = rows
        _point(table, name)
        _named(table, alias)


def place_scans(sql: str, sources: Sources) -> str:
    """Put the scans in place of their placeholders, after translation."""
    return _PLACEHOLDER.sub(lambda match: sources.placed(match.group(1)), sql)


def refuse_unmodelled(tree: exp.Expr) -> None:
    """Refuse by name what would otherwise be dropped or answered by DuckDB in its own way."""
    for table in tree.find_all(exp.Table):
        for key in ("when", "version", "changes", "hints", "partition"):
            if table.args.get(key):
                raise failures.not_modelled(what=f"{key.upper()} on {table.name} (AT, BEFORE, CHANGES)")
    refused = (exp.MatchRecognize, exp.Into, exp.Command, exp.Semicolon, exp.DynamicIdentifier)
    for sample in tree.find_all(exp.TableSample):
        raise failures.not_modelled(what=f"SAMPLE ({sample.sql(dialect='snowflake').strip()})")
    for node in tree.find_all(*refused):
        raise failures.not_modelled(type(node).__name__)


def _replace(table: exp.Table, body: exp.Expr, alias: exp.Expr | None) -> None:
    subquery = exp.Subquery(this=body, alias=alias)
    for name in _CARRIED:
        if table.args.get(name):
            subquery.set(name, table.args[name])
    table.replace(subquery)


def _point(table: exp.Table, physical: str, *, stored: bool = False) -> None:
    """Let a table name what DuckDB knows, once and for all."""
    table.set("this", exp.to_identifier(physical, quoted=True))
    table.set("db", exp.to_identifier(SCHEMA, quoted=True) if stored else None)
    table.set("catalog", exp.to_identifier(DATABASE, quoted=True) if stored else None)
    table.meta[_RESOLVED] = True


def _named(table: exp.Table, alias: str) -> None:
    """Let the rest of the query go on calling a table by its old name."""
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))


def _parts(table: exp.Table) -> tuple[str, ...]:
    identifiers = (table.args.get("catalog"), table.args.get("db"), table.this)
    return tuple(entry.this if entry.quoted else entry.this.upper() for entry in identifiers if entry)


def _policies(path: Path) -> Iterator[MaskingPolicy]:
    for schema in path.database.schemas.values():
        yield from schema.policies.values()


def _is_cte(table: exp.Table) -> bool:
    """Tell whether the name is that of a common table expression visible there."""
    if table.db or not isinstance(table.this, exp.Identifier):
        return False
    name = table.name.upper()
    inside: exp.Expr | None = None
    node: exp.Expr | None = table
    while node is not None:
        inside = node if isinstance(node, exp.CTE) else inside
        if (clause := node.args.get("with_")) is not None and _offers(clause, name, inside):
            return True
        node = node.parent
    return False


def _offers(clause: exp.With, name: str, inside: exp.Expr | None) -> bool:
    """Tell whether a WITH defines the name for what is inside one of its entries, or after them."""
    for entry in clause.expressions:
        if entry is inside and not clause.args.get("recursive"):
            return False
        if entry.alias_or_name.upper() == name:
            return True
    return False
