"""The functions that a query may call besides those that the translator knows.

Session and system functions are answered from the state. Any other name that the parser does not know is
refused: DuckDB has functions that Snowflake lacks, and lending them would let a wrong view pass.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from calve.standin.snowflake import VERSION, failures
from calve.standin.snowflake.access import Rights, played
from calve.standin.snowflake.catalog import IcebergTable, State, View
from calve.standin.snowflake.names import Place, find_path
from calve.standin.snowflake.session import Session
from calve.standin.snowflake.tokens import split_name

_PASSED_ON = {"EQUAL_NULL", "FLATTEN", "HAVERSINE", "MONTHNAME", "OBJECT_KEYS", "SQUARE", "STRTOK"} | {
    "TRY_TO_DECIMAL",
    "TRY_TO_NUMBER",
    "TRY_TO_NUMERIC",
}
_FOREIGN = (exp.ReadParquet, exp.ReadCSV)


@dataclass(frozen=True)
class Asker:
    """Who calls a function, and where its names point."""

    state: State
    session: Session
    rights: Rights
    place: Place


def answered(call: exp.Func, asker: Asker) -> exp.Expr | None:
    """Return the literal that a session or system function stands for, or None for an ordinary function.

    Raises:
        SqlError: The function is not modelled.
    """
    name = (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).upper()
    if isinstance(call, _FOREIGN):
        raise failures.not_modelled(what=f"function {name}")
    session = session_value(name, asker)
    if session is not None:
        return exp.Literal.string(session[0]) if session[0] is not None else exp.Null()
    if name == "IS_ROLE_IN_SESSION":
        return exp.Boolean(this=_plays(_texts(call, name), asker))
    if name in _SYSTEM:
        return exp.Literal.string(_SYSTEM[name](_texts(call, name), asker))
    if name == "SYSDATE" or (isinstance(call, exp.CurrentTimestamp) and call.args.get("sysdate")):
        return exp.Cast(this=exp.CurrentTimestamp(), to=exp.DataType.build("TIMESTAMP_NTZ", dialect="snowflake"))
    if name == "RATIO_TO_REPORT" and isinstance(call.parent, exp.Window):
        return None
    if isinstance(call, exp.Anonymous) and name not in _PASSED_ON:
        raise failures.not_modelled(what=f"function {name}")
    return None


def with_ratios(tree: exp.Expr) -> exp.Expr:
    """Write RATIO_TO_REPORT(x) OVER (w) as x / NULLIF(SUM(x) OVER (w), 0), which DuckDB knows."""
    for window in list(tree.find_all(exp.Window)):
        call = window.this
        if isinstance(call, exp.Anonymous) and call.name.upper() == "RATIO_TO_REPORT" and len(call.expressions) == 1:
            value = call.expressions[0]
            whole = window.copy()
            whole.set("this", exp.Sum(this=value.copy()))
            divisor = exp.Nullif(this=whole, expression=exp.Literal.number(0))
            window.replace(exp.Paren(this=exp.Div(this=exp.Paren(this=value.copy()), expression=divisor)))
    return tree


def session_value(name: str, asker: Asker) -> tuple[str | None] | None:
    """Return a session function's value, wrapped, or None if the name is no session function."""
    session = asker.session
    values = {
        "CURRENT_ROLE": session.role,
        "CURRENT_USER": session.user,
        "CURRENT_DATABASE": session.database,
        "CURRENT_SCHEMA": session.schema,
        "CURRENT_WAREHOUSE": session.warehouse,
        "CURRENT_ACCOUNT": "CALVE",
        "CURRENT_ACCOUNT_NAME": "CALVE",
        "CURRENT_REGION": "LOCAL",
        "CURRENT_VERSION": VERSION,
        "CURRENT_SESSION": session.token[:12],
        "LAST_QUERY_ID": session.last_query_id,
    }
    return (values[name],) if name in values else None


def _texts(call: exp.Func, name: str) -> list[str]:
    arguments = call.expressions if isinstance(call, exp.Anonymous) else list(call.args.values())
    found = [entry.name for entry in arguments if isinstance(entry, exp.Literal) and entry.is_string]
    if len(found) != len(arguments):
        raise failures.not_modelled(what=f"function {name} with arguments other than string literals")
    return found


def _plays(arguments: list[str], asker: Asker) -> bool:
    if len(arguments) != 1:
        msg = "IS_ROLE_IN_SESSION takes one argument, the role's name."
        raise failures.invalid(msg)
    return arguments[0] in played(asker.state, asker.session.role)


def _auto_refresh_status(arguments: list[str], asker: Asker) -> str:
    if len(arguments) != 1:
        msg = "SYSTEM$AUTO_REFRESH_STATUS takes one argument, the table's name."
        raise failures.invalid(msg)
    path = find_path(asker.state, asker.rights, asker.place, split_name(arguments[0]))
    table = path.item(asker.rights, "Table")
    if not isinstance(table, IcebergTable):
        msg = f"'{path.full}' is not an externally managed Iceberg table."
        raise failures.invalid(msg)
    last = table.refreshes[-1]
    return json.dumps(
        {
            "executionState": "STOPPED",
            "invalidExecutionStateReason": "Automated refresh is not enabled for the table.",
            "pendingSnapshotCount": 0,
            "oldestSnapshotTime": None,
            "currentSnapshotId": last.snapshot_id,
            "currentSnapshotSummary": json.loads(last.summary) if last.summary else None,
            "lastSnapshotTime": _instant(last.snapshot_at),
            "lastUpdatedTime": _instant(last.refreshed_at),
            "currentMetadataFile": table.metadata_uri,
            "currentSchemaId": last.schema_id,
        }
    )


def _get_ddl(arguments: list[str], asker: Asker) -> str:
    if [argument.upper() for argument in arguments[:-1]] != ["VIEW"]:
        raise failures.not_modelled(what="GET_DDL of anything but ('VIEW', name)")
    path = find_path(asker.state, asker.rights, asker.place, split_name(arguments[-1]))
    view = path.item(asker.rights, "View")
    if not isinstance(view, View):
        msg = f"'{path.full}' is not a view."
        raise failures.invalid(msg)
    secure = " secure" if view.secure else ""
    columns = ",\n\t".join(shown(column.name) for column in view.columns)
    return f"create or replace{secure} view {shown(path.name)}(\n\t{columns}\n) as {view.query};"


def shown(name: str) -> str:
    """Return a name as DDL shows it: quoted only where it has to be."""
    return name if re.fullmatch(r"[A-Z_][A-Z0-9_$]*", name) else f'"{name}"'


def _instant(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


_SYSTEM: dict[str, Callable[[list[str], Asker], str]] = {
    "SYSTEM$AUTO_REFRESH_STATUS": _auto_refresh_status,
    "GET_DDL": _get_ddl,
}
