"""Masking policies on the columns that contracts name, compared with what Snowflake says.

A policy lives in REPORTING, which is never swapped; a column shows its value to the role of the policy's name only.
"""

from __future__ import annotations

from collections.abc import Iterable

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from calve.contract.project import Project
from calve.effects import effect
from calve.warehouse.connection import execute, refusal
from calve.warehouse.ddl import masking_policies, set_masking, unset_masking
from calve.warehouse.names import LIVE, REPORTING, Names, identifier

Change = tuple[str, str, str | None]


def differences(
    conn: SnowflakeConnection, names: Names, project: Project, schema: str, tables: Iterable[str]
) -> list[Change]:
    """Return (table, column, policy or None) for each column that has another policy than it should.

    A table without contract, which stays for the views on it, is masked as in LIVE.
    """
    by_table = {identifier(dataset): contract for dataset, contract in project.contracts.items()}
    changes = []
    for table in sorted(tables):
        found = _attached(conn, names, schema, table)
        wanted: dict[str, str | None]
        if table in by_table:
            masking = by_table[table].serve.masking
            wanted = {identifier(column): names.table(REPORTING, policy) for column, policy in masking.items()}
        else:
            wanted = found if schema == LIVE else _attached(conn, names, LIVE, table)
        for column, policy in found.items():
            if policy != wanted.get(column):
                changes.append((table, column, wanted.get(column)))
    return changes


def _attached(conn: SnowflakeConnection, names: Names, schema: str, table: str) -> dict[str, str | None]:
    rows = execute(conn, f"DESCRIBE TABLE {names.table(schema, table)}")
    return {row["name"]: row["policy name"] or None for row in rows}


def apply(conn: SnowflakeConnection, names: Names, project: Project, schema: str, changes: list[Change]) -> list[str]:
    """Make the policies that are missing and put each on its column; say what was done."""
    statements = masking_policies(names, project.contracts.values()) if changes else []
    for table, column, policy in changes:
        if policy:
            statements.append(set_masking(names, schema, table, column, policy))
        else:
            statements.append(unset_masking(names, schema, table, column))
    for statement in statements:
        try:
            with effect("masking.set"):
                execute(conn, statement)
        except ProgrammingError as error:
            advice = "take `serve: masking` out of the contract if the account's edition has no masking policies"
            raise refusal(statement, error, advice=advice) from error
    return [
        f"{'masked' if policy else 'unmasked'} {names.table(schema, table)}.{column}"
        for table, column, policy in changes
    ]
