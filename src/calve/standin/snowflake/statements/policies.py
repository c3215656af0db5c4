"""Masking policies: what a role sees of a column, applied wherever the column is read."""

import time
from dataclasses import replace as changed

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import MaskingPolicy
from calve.standin.snowflake.names import find_path
from calve.standin.snowflake.resolve import parse
from calve.standin.snowflake.sql_types import canonical
from calve.standin.snowflake.statements.context import OK, Context, making
from calve.standin.snowflake.statements.iceberg import owned_table
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import Rows, status


def create_policy(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE MASKING POLICY [IF NOT EXISTS] p AS (value type) RETURNS type -> expression."""
    if replace:
        raise failures.not_modelled(what="CREATE OR REPLACE MASKING POLICY")
    wanted = making(reader, replace=False)
    parts = reader.name()
    reader.expect("AS")
    reader.expect("(")
    argument, kind = reader.identifier(), canonical(reader.identifier())
    if reader.peek(","):
        raise failures.not_modelled(what="a masking policy with conditional columns")
    reader.expect(")")
    reader.expect("RETURNS")
    returned = canonical(reader.identifier())
    reader.expect("->")
    body = reader.rest()
    if returned.split("(")[0] != kind.split("(")[0]:
        msg = f"Masking policy '{parts[-1]}' takes {kind} and must return it, not {returned}."
        raise failures.invalid(msg)
    parse(f"select {body}")
    with context.store.change() as state:
        rights = context.rights(state)
        where = find_path(state, rights, context.place, parts)
        before = where.schema.policies.get(where.name)
        if answer := wanted.stop(where.name, before.owner if before else None, rights, "masking policy"):
            return answer
        rights.need("CREATE MASKING POLICY", where.schema, "SCHEMA", where.schema_name)
        where.schema.policies[where.name] = MaskingPolicy(
            state.take_id(), context.session.role, time.time(), argument, kind, returned, body
        )
    return status(f"Masking policy {where.name} successfully created.")


def attach(reader: Reader, context: Context, parts: tuple[str, ...]) -> Rows:
    """ALTER ICEBERG TABLE t {MODIFY | ALTER} COLUMN c {SET MASKING POLICY p [FORCE] | UNSET MASKING POLICY}."""
    reader.choose("MODIFY", "ALTER")
    reader.accept("COLUMN")
    name = reader.identifier()
    if reader.words(3) not in {"SET MASKING POLICY", "UNSET MASKING POLICY"}:
        raise failures.not_modelled(what=f"ALTER COLUMN ... {reader.words(3)}")
    setting = reader.choose("SET MASKING POLICY", "UNSET MASKING POLICY") == "SET MASKING POLICY"
    policy_parts = reader.name() if setting else ()
    force = reader.accept("FORCE")
    reader.end()
    with context.store.change() as state:
        rights = context.rights(state)
        where = find_path(state, rights, context.place, parts)
        table = owned_table(state, rights, where)
        column = next((entry for entry in table.columns if entry.name == name), None)
        if column is None:
            raise failures.SqlError(904, "42000", f"SQL compilation error:\ninvalid identifier '{name}'")
        policy_id = None
        if setting:
            policy = _policy(context, policy_parts)
            rights.need_on_shared("APPLY", policy.id, policy.owner, f"Masking policy '{'.'.join(policy_parts)}")
            if column.policy_id is not None and not force:
                msg = f"Column '{name}' already attached to a masking policy; use FORCE."
                raise failures.invalid(msg)
            if policy.argument_type.split("(")[0] != column.type.split("(")[0]:
                msg = f"Masking policy takes {policy.argument_type}, column '{name}' is {column.type}."
                raise failures.invalid(msg)
            policy_id = policy.id
        columns = tuple(changed(entry, policy_id=policy_id) if entry is column else entry for entry in table.columns)
        where.schema.items[where.name] = changed(table, columns=columns)
    return status(OK)


def _policy(context: Context, parts: tuple[str, ...]) -> MaskingPolicy:
    state = context.store.current
    where = find_path(state, context.rights(state), context.place, parts)
    found = where.schema.policies.get(where.name)
    if found is None:
        raise failures.missing(kind="Masking policy", name=where.full)
    return found
