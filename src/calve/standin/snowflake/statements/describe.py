"""DESCRIBE of tables, views, volumes, integrations, schemas and users."""

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import Schema
from calve.standin.snowflake.names import find_path, find_schema
from calve.standin.snowflake.statements.context import Context
from calve.standin.snowflake.statements.users import describe_user
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import SHOW, Rows

_TABLE = ("name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression")
_PROPERTIES = ("parent_property", "property", "property_type", "property_value", "property_default")


def describe(reader: Reader, context: Context) -> Rows:
    """DESC[RIBE] {[ICEBERG] TABLE | VIEW | EXTERNAL VOLUME | [CATALOG] INTEGRATION | SCHEMA | USER} x."""
    if reader.accept("USER"):
        return describe_user(reader, context)
    kinds = ("ICEBERG TABLE", "TABLE", "VIEW", "EXTERNAL VOLUME", "CATALOG INTEGRATION", "INTEGRATION", "SCHEMA")
    if not any(reader.peek(*kind.split()) for kind in kinds):
        raise failures.not_modelled(what=f"DESCRIBE {reader.words(2)}")
    kind = reader.choose(*kinds)
    parts = reader.name()
    if reader.accept("TYPE"):
        reader.expect("=")
        reader.expect("COLUMNS")
    reader.end()
    if kind == "EXTERNAL VOLUME":
        return _volume(context, parts[-1])
    if kind.endswith("INTEGRATION"):
        return _integration(context, parts[-1])
    state = context.store.current
    rights = context.rights(state)
    if kind == "SCHEMA":
        _, _, schema = find_schema(state, rights, context.place, parts)
        return _schema(schema)
    where = find_path(state, rights, context.place, parts)
    item = where.item(rights, "View" if kind == "VIEW" else "Table")
    if item.kind != kind and (kind, item.kind) != ("TABLE", "ICEBERG TABLE"):
        raise failures.missing(kind=kind.title(), name=where.full)
    policies = {
        policy.id: f"{where.database_name}.{schema_name}.{name}"
        for schema_name, schema in where.database.schemas.items()
        for name, policy in schema.policies.items()
    }
    rows = [
        (
            *(column.name, column.type, "COLUMN", "Y" if column.nullable else "N"),
            *(None, "N", "N", None, None, None, policies.get(column.policy_id or 0)),
        )
        for column in item.columns
    ]
    return Rows(tuple((name, "text") for name in (*_TABLE, "comment", "policy name")), rows, SHOW)


def _volume(context: Context, name: str) -> Rows:
    state = context.store.current
    found = state.volumes.get(name)
    if found is None or not context.rights(state).sees(found.id, found.owner):
        raise failures.missing(kind="External volume", name=name)
    location = (
        f'{{"NAME":"{found.location}","STORAGE_PROVIDER":"S3","STORAGE_BASE_URL":"{found.base_url}",'
        f'"STORAGE_ALLOWED_LOCATIONS":["{found.base_url}*"],"STORAGE_AWS_ROLE_ARN":"{found.role_arn}"}}'
    )
    return _properties(
        ("", "ALLOW_WRITES", "Boolean", str(found.allow_writes).lower(), "true"),
        ("STORAGE_LOCATIONS", "STORAGE_LOCATION_1", "String", location, ""),
        ("STORAGE_LOCATIONS", "ACTIVE", "String", found.location, ""),
        ("", "COMMENT", "String", found.comment, ""),
    )


def _integration(context: Context, name: str) -> Rows:
    state = context.store.current
    found = state.integrations.get(name)
    if found is None or not context.rights(state).sees(found.id, found.owner):
        raise failures.missing(kind="Integration", name=name)
    rows = [
        ("ENABLED", "Boolean", str(found.enabled).lower(), "false"),
        ("CATALOG_SOURCE", "String", "OBJECT_STORE", ""),
        ("TABLE_FORMAT", "String", "ICEBERG", ""),
        ("COMMENT", "String", found.comment, ""),
    ]
    return Rows(tuple((title, "text") for title in _PROPERTIES[1:]), rows, SHOW)


def _schema(schema: Schema) -> Rows:
    rows = [(_seconds(item.created_at), name, item.kind) for name, item in sorted(schema.items.items())]
    return Rows((("created_on", "timestamp_ltz"), ("name", "text"), ("kind", "text")), rows, SHOW)


def _properties(*rows: tuple[str, ...]) -> Rows:
    return Rows(tuple((title, "text") for title in _PROPERTIES), rows, SHOW)


def _seconds(instant: float) -> str:
    return f"{instant:.6f}"
