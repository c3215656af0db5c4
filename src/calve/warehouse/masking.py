"""Masking policies on the columns that contracts name, compared with what Snowflake says.

A policy lives in REPORTING, which is never swapped; a column shows its value to the role of the policy's name only.
"""

from __future__ import annotations

from collections.abc import Iterable

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from calve.contract.models import Contract
from calve.contract.project import Project
from calve.effects import effect
from calve.warehouse.connection import execute, refusal
from calve.warehouse.ddl import masking_policies, set_masking, unset_masking
from calve.warehouse.names import REPORTING, Names, identifier

Change = tuple[Contract, str, str | None]


def differences(
    conn: SnowflakeConnection, names: Names, project: Project, schema: str, tables: Iterable[str]
) -> list[Change]:
    """Return (contract, column, policy or None) for each column that has another policy than its contract says."""
    there, found = frozenset(tables), []
    for dataset, contract in sorted(project.contracts.items()):
        if identifier(dataset) not in there:
            continue
        for row in execute(conn, f"DESCRIBE TABLE {names.table(schema, dataset)}"):
            policy = contract.serve.masking.get(row["name"].lower())
            wanted = names.table(REPORTING, policy) if policy else None
            if (row["policy name"] or None) != wanted:
                found.append((contract, row["name"].lower(), policy))
    return found


def apply(conn: SnowflakeConnection, names: Names, project: Project, schema: str, changes: list[Change]) -> list[str]:
    """Make the policies that are missing and put each on its column; say what was done."""
    statements = masking_policies(names, project.contracts.values()) if changes else []
    for contract, column, policy in changes:
        change = set_masking if policy else unset_masking
        statements.append(change(names, schema, contract.dataset, column, policy or ""))
    for statement in statements:
        try:
            with effect("masking.set"):
                execute(conn, statement)
        except ProgrammingError as error:
            advice = "take `serve: masking` out of the contract if the account's edition has no masking policies"
            raise refusal(statement, error, advice=advice) from error
    return [
        f"{'masked' if policy else 'unmasked'} {names.table(schema, contract.dataset)}.{column}"
        for contract, column, policy in changes
    ]
