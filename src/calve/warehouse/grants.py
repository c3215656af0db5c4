"""Who may read what, by the contracts, compared with what Snowflake says.

A SWAP swaps the privileges too, so both schemas must have the same. Roles that own something are left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from snowflake.connector import SnowflakeConnection

from calve.contract.project import Project
from calve.effects import effect
from calve.warehouse.connection import execute
from calve.warehouse.names import NATIVE_TABLES, Names, identifier

logger = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class Grant:
    """One privilege of one role on one object.

    Attributes:
        kind: `SCHEMA`, `TABLE` or `VIEW`.
        name: The object's full name.
    """

    kind: str
    name: str
    privilege: str
    role: str

    def __str__(self) -> str:
        return f"{self.privilege} on {self.name} to {self.role}"


def readers_of(names: Names, project: Project, dataset: str) -> frozenset[str]:
    """Return the roles that the contract lets select from the dataset."""
    return frozenset(names.reader(reader) for reader in project.contracts[dataset].serve.readers)


def all_readers(project: Project) -> frozenset[str]:
    """Return every reader that a contract names."""
    return frozenset(reader for contract in project.contracts.values() for reader in contract.serve.readers)


def expected_in_schema(names: Names, project: Project, schema: str, tables: Iterable[str]) -> set[Grant]:
    """Return the grants on a schema with these tables, and on the tables."""
    by_table = {identifier(dataset): dataset for dataset in project.contracts}
    found: set[Grant] = set()
    for table in tables:
        readers = readers_of(names, project, by_table[table]) if table in by_table else frozenset()
        for role in {names.deployer, *readers}:
            found.add(Grant("TABLE", names.table(schema, table), "SELECT", role))
            found.add(Grant("SCHEMA", names.schema(schema), "USAGE", role))
    return found | {Grant("TABLE", names.table(schema, table), "SELECT", names.deployer) for table in NATIVE_TABLES}


def found_on(conn: SnowflakeConnection, kind: str, name: str) -> set[Grant]:
    """Return the grants on an object that are not its owner's."""
    rows = execute(conn, f"SHOW GRANTS ON {kind} {name}")
    return {
        Grant(kind, name, row["privilege"], row["grantee_name"])
        for row in rows
        if row["granted_to"] == "ROLE" and row["privilege"] != "OWNERSHIP"
    }


def differences(
    conn: SnowflakeConnection, objects: Iterable[tuple[str, str]], expected: set[Grant]
) -> tuple[list[Grant], list[Grant]]:
    """Return the grants that are missing and those that nobody asked for, on these (kind, name)."""
    found = {grant for kind, name in sorted(set(objects)) for grant in found_on(conn, kind, name)}
    return sorted(expected - found), sorted(found - expected)


def apply(conn: SnowflakeConnection, missing: Iterable[Grant], surplus: Iterable[Grant]) -> list[str]:
    """Grant what is missing, revoke what nobody asked for, and say what was done."""
    done = []
    for grant in missing:
        with effect("grant.give"):
            execute(conn, f"GRANT {grant.privilege} ON {grant.kind} {grant.name} TO ROLE {grant.role}")
        done.append(f"granted {grant}")
    for grant in surplus:
        with effect("grant.take"):
            execute(conn, f"REVOKE {grant.privilege} ON {grant.kind} {grant.name} FROM ROLE {grant.role}")
        done.append(f"revoked {grant}")
        logger.warning("revoked a grant that no contract asks for", extra={"object": grant.name, "role": grant.role})
    return done


def view_readers(names: Names, project: Project, tables_by_view: Mapping[str, frozenset[str]]) -> set[Grant]:
    """Return the grants on views: a role reads a view when it may read every dataset under it."""
    everyone = frozenset(names.reader(reader) for reader in all_readers(project))
    by_table = {identifier(dataset): dataset for dataset in project.contracts}
    found = set()
    for view, tables in tables_by_view.items():
        roles = everyone
        for table in tables & by_table.keys():
            roles &= readers_of(names, project, by_table[table])
        found |= {Grant("VIEW", view, "SELECT", role) for role in roles}
    return found
