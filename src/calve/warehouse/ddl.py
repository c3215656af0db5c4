"""The statements of Snowflake DDL that contracts stand for. Pure: same input, same text, nothing executed.

Columns of served tables are never written here: an external Iceberg table takes them from its metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

from calve.contract.models import Contract
from calve.contract.types import snowflake_type
from calve.errors import ContractError
from calve.warehouse.names import DATA_QUALITY, EXPOSURE, LIVE, PUBLICATION, REPORTING, Names, identifier, literal

# Columns that the engine adds to every curated table.
SYSTEM_COLUMNS = (
    ("_run_key", "string"),
    ("_source_at", "timestamptz"),
    ("_ingested_at", "timestamptz"),
    ("_row_hash", "string"),
)

NATIVE_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    PUBLICATION: (
        ("pipeline", "VARCHAR"),
        ("dataset", "VARCHAR"),
        ("publication", "NUMBER(19,0)"),
        ("run_key", "VARCHAR"),
        ("since", "TIMESTAMP_LTZ(6)"),
        ("until", "TIMESTAMP_LTZ(6)"),
        ("generation", "NUMBER(10,0)"),
        ("published_at", "TIMESTAMP_LTZ(6)"),
        ("snapshot_id", "NUMBER(19,0)"),
        ("row_count", "NUMBER(19,0)"),
        ("verified_through", "DATE"),
        ("contract_digest", "VARCHAR"),
        ("is_served", "BOOLEAN"),
    ),
    DATA_QUALITY: (
        ("pipeline", "VARCHAR"),
        ("dataset", "VARCHAR"),
        ("run_key", "VARCHAR"),
        ("publication", "NUMBER(19,0)"),
        ("rule", "VARCHAR"),
        ("severity", "VARCHAR"),
        ("outcome", "VARCHAR"),
        ("checked_rows", "NUMBER(19,0)"),
        ("broken_rows", "NUMBER(19,0)"),
        ("allowed_rows", "NUMBER(19,0)"),
        ("decided_at", "TIMESTAMP_LTZ(6)"),
        ("detail", "VARCHAR"),
    ),
    EXPOSURE: (("epoch", "NUMBER(19,0)"), ("records_digest", "VARCHAR")),
}


def external_volume(names: Names, *, base_url: str, role_arn: str) -> str:
    """Return the statement that lets Snowflake read the lake's bucket, and only read it."""
    return (
        f"CREATE EXTERNAL VOLUME IF NOT EXISTS {names.external_volume} "
        f"STORAGE_LOCATIONS = ((NAME = 'lake' STORAGE_PROVIDER = 'S3' "
        f"STORAGE_BASE_URL = {literal(base_url.rstrip('/') + '/')} "
        f"STORAGE_AWS_ROLE_ARN = {literal(role_arn)})) ALLOW_WRITES = FALSE"
    )


def catalog_integration(names: Names) -> str:
    """Return the statement for reading Iceberg metadata from files, without a catalog."""
    return (
        f"CREATE CATALOG INTEGRATION IF NOT EXISTS {names.catalog_integration} "
        "CATALOG_SOURCE = OBJECT_STORE TABLE_FORMAT = ICEBERG ENABLED = TRUE"
    )


def account_statements(names: Names, *, base_url: str, role_arn: str) -> list[str]:
    """Return what an administrator executes once per installation, in order; each may be repeated."""
    owner, deployer = names.owner, names.deployer
    return [
        f"CREATE ROLE IF NOT EXISTS {owner}",
        f"CREATE ROLE IF NOT EXISTS {deployer}",
        external_volume(names, base_url=base_url, role_arn=role_arn),
        catalog_integration(names),
        f"GRANT USAGE ON EXTERNAL VOLUME {names.external_volume} TO ROLE {owner}",
        f"GRANT USAGE ON INTEGRATION {names.catalog_integration} TO ROLE {owner}",
        f"CREATE DATABASE IF NOT EXISTS {names.database}",
        f"GRANT USAGE ON DATABASE {names.database} TO ROLE {owner}",
        f"GRANT CREATE SCHEMA ON DATABASE {names.database} TO ROLE {owner}",
        f"GRANT USAGE ON DATABASE {names.database} TO ROLE {deployer}",
        f"CREATE SCHEMA IF NOT EXISTS {names.schema(REPORTING)}",
        f"GRANT USAGE ON SCHEMA {names.schema(REPORTING)} TO ROLE {owner}",
        f"GRANT CREATE MASKING POLICY ON SCHEMA {names.schema(REPORTING)} TO ROLE {owner}",
        f"GRANT USAGE ON SCHEMA {names.schema(REPORTING)} TO ROLE {deployer}",
        f"GRANT CREATE VIEW ON SCHEMA {names.schema(REPORTING)} TO ROLE {deployer}",
    ]


def login_statements(names: Names) -> list[str]:
    """Return what lets calve's user play the two roles that change something."""
    return [f"GRANT ROLE {role} TO USER {names.user}" for role in (names.deployer, names.owner)]


def reader_statements(names: Names, readers: Iterable[str]) -> list[str]:
    """Return what makes the roles of readers, who see the views and the tables that contracts grant them."""
    statements = []
    for role in sorted({names.reader(reader) for reader in readers}):
        statements += [
            f"CREATE ROLE IF NOT EXISTS {role}",
            f"GRANT USAGE ON DATABASE {names.database} TO ROLE {role}",
            f"GRANT USAGE ON SCHEMA {names.schema(REPORTING)} TO ROLE {role}",
        ]
    return statements


def create_iceberg_table(names: Names, schema: str, table: str, path: str) -> str:
    """Return the statement that makes the table from a metadata file, whatever was there before.

    Args:
        path: Of the metadata file, relative to the volume's storage location.
    """
    return (
        f"CREATE OR REPLACE ICEBERG TABLE {names.table(schema, table)} "
        f"EXTERNAL_VOLUME = {literal(names.external_volume)} CATALOG = {literal(names.catalog_integration)} "
        f"METADATA_FILE_PATH = {literal(relative(path))}"
    )


def refresh_iceberg_table(names: Names, schema: str, table: str, path: str) -> str:
    """Return the statement that points the table at another metadata file."""
    return f"ALTER ICEBERG TABLE {names.table(schema, table)} REFRESH {literal(relative(path))}"


def drop_iceberg_table(names: Names, schema: str, table: str) -> str:
    """Return the statement that takes a table out of a schema; its files are not touched."""
    return f"DROP ICEBERG TABLE IF EXISTS {names.table(schema, table)}"


def create_native_table(names: Names, schema: str, table: str) -> str:
    """Return the statement that makes one of our own small tables, empty."""
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in NATIVE_COLUMNS[table])
    return f"CREATE OR REPLACE TABLE {names.table(schema, table)} ({columns})"


def insert_rows(names: Names, schema: str, table: str, rows: Iterable[tuple[object, ...]]) -> str:
    """Return one statement that inserts the rows; their order is that of `NATIVE_COLUMNS`.

    The rows are one JSON literal: a literal per value takes an engine milliseconds each to compile.
    """
    columns = NATIVE_COLUMNS[table]
    targets = ", ".join(identifier(name) for name, _ in columns)
    values = ", ".join(f"F.VALUE[{place}]::{kind}" for place, (_, kind) in enumerate(columns))
    text = json.dumps(list(rows), default=_in_json, ensure_ascii=False, separators=(",", ":"))
    return (
        f"INSERT INTO {names.table(schema, table)} ({targets}) SELECT {values} "
        f"FROM TABLE(FLATTEN(INPUT => PARSE_JSON({literal(text)}))) AS F"
    )


def _in_json(value: object) -> str:
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    msg = f"{type(value).__name__} has no form in a native table"
    raise TypeError(msg)


def masking_policies(names: Names, contracts: Iterable[Contract]) -> list[str]:
    """Return the policies that contracts name; each shows a value to the role of its own name only."""
    types: dict[str, str] = {}
    for contract in contracts:
        kinds = {column.name: snowflake_type(column.type) for column in contract.columns}
        for column, policy in contract.serve.masking.items():
            kind = kinds[column].partition("(")[0]
            if types.setdefault(policy, kind) != kind:
                msg = (
                    f"masking policy {policy}: {contract.dataset}.{column} is {kind}, expected {types[policy]} "
                    "as in other contracts; give the column a policy of its own"
                )
                raise ContractError(msg)
    return [
        f"CREATE MASKING POLICY IF NOT EXISTS {names.table(REPORTING, policy)} AS (VAL {kind}) RETURNS {kind} -> "
        f"CASE WHEN IS_ROLE_IN_SESSION({literal(names.reader(policy))}) THEN VAL "
        f"ELSE {literal('***') if kind == 'VARCHAR' else 'NULL'} END"
        for policy, kind in sorted(types.items())
    ]


def set_masking(names: Names, schema: str, table: str, column: str, policy: str) -> str:
    """Return the statement that puts a policy, given by its full name, on a column, instead of one it may have."""
    return (
        f"ALTER ICEBERG TABLE {names.table(schema, table)} MODIFY COLUMN {identifier(column)} "
        f"SET MASKING POLICY {policy} FORCE"
    )


def unset_masking(names: Names, schema: str, table: str, column: str) -> str:
    """Return the statement that takes the policy off a column."""
    return f"ALTER ICEBERG TABLE {names.table(schema, table)} MODIFY COLUMN {identifier(column)} UNSET MASKING POLICY"


def expected_columns(contract: Contract) -> dict[str, str]:
    """Return the columns that Snowflake must show for the contract's table, with their types."""
    declared = [(column.name, column.type) for column in contract.columns]
    return {identifier(name): snowflake_type(kind) for name, kind in (*declared, *SYSTEM_COLUMNS)}


def rename_schema(names: Names, old: str, new: str) -> str:
    """Return the statement that renames a schema; it fails when `old` is gone or `new` exists."""
    return f"ALTER SCHEMA {names.schema(old)} RENAME TO {names.schema(new)}"


def swap(names: Names, idle: str) -> str:
    """Return the one statement that changes what readers see."""
    return f"ALTER SCHEMA {names.schema(LIVE)} SWAP WITH {names.schema(idle)}"


def relative(path: str) -> str:
    """Return a metadata file's path as Snowflake takes it.

    Raises:
        ContractError: The path is absolute or leaves the volume's storage location.
    """
    if "://" in path or path.startswith("/") or ".." in path.split("/"):
        msg = f"metadata path '{path}': found an absolute path, expected one relative to the external volume"
        raise ContractError(msg)
    return path
