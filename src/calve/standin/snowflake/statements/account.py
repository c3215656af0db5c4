"""External volumes, catalog integrations and databases."""

import time

from calve.standin.snowflake import failures
from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.catalog import Database, Integration, Schema, State, Volume
from calve.standin.snowflake.statements.context import Context, making
from calve.standin.snowflake.tokens import Reader, Value, text_value
from calve.standin.snowflake.wire import Rows, status


def create_volume(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE [OR REPLACE] EXTERNAL VOLUME [IF NOT EXISTS] x STORAGE_LOCATIONS = ((...)) [ALLOW_WRITES = b]."""
    wanted = making(reader, replace=replace)
    name = reader.identifier()
    found = reader.properties(
        "EXTERNAL VOLUME", modelled={"STORAGE_LOCATIONS", "ALLOW_WRITES", "COMMENT"}, known={"TAG"}
    )
    location = _location(found.get("STORAGE_LOCATIONS"))
    if (provider := text_value(location, "STORAGE_PROVIDER").upper()) != "S3":
        raise failures.not_modelled(what=f"STORAGE_PROVIDER {provider}")
    if not (base := text_value(location, "STORAGE_BASE_URL")).startswith("s3://"):
        msg = f"invalid value '{base}' for property 'STORAGE_BASE_URL'"
        raise failures.invalid(msg)
    with context.store.change() as state:
        rights = context.rights(state)
        before = state.volumes.get(name)
        if answer := wanted.stop(name, before.owner if before else None, rights, "external volume"):
            return answer
        rights.need_on_account("CREATE EXTERNAL VOLUME")
        if before and any(_uses(state, volume=name)):
            msg = f"External volume '{name}' cannot be replaced: Iceberg tables use it."
            raise failures.invalid(msg)
        state.volumes[name] = Volume(
            id=state.take_id(),
            owner=context.session.role,
            created_at=time.time(),
            location=text_value(location, "NAME"),
            base_url=base,
            role_arn=text_value(location, "STORAGE_AWS_ROLE_ARN"),
            allow_writes=found.get("ALLOW_WRITES", True) is True,
            comment=str(found.get("COMMENT", "")),
        )
    return status(f"External volume {name} successfully created.")


def create_integration(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE [OR REPLACE] CATALOG INTEGRATION [IF NOT EXISTS] x for Iceberg files in object storage."""
    wanted = making(reader, replace=replace)
    name = reader.identifier()
    found = reader.properties(
        "CATALOG INTEGRATION",
        modelled={"CATALOG_SOURCE", "TABLE_FORMAT", "ENABLED", "COMMENT"},
        known={"REFRESH_INTERVAL_SECONDS", "REST_CONFIG", "REST_AUTHENTICATION", "CATALOG_NAMESPACE"}
        | {"GLUE_AWS_ROLE_ARN", "GLUE_CATALOG_ID", "GLUE_REGION"},
    )
    if (source := text_value(found, "CATALOG_SOURCE").upper()) != "OBJECT_STORE":
        raise failures.not_modelled(what=f"CATALOG_SOURCE {source}")
    if (form := text_value(found, "TABLE_FORMAT").upper()) != "ICEBERG":
        raise failures.not_modelled(what=f"TABLE_FORMAT {form}")
    if "ENABLED" not in found:
        raise failures.missing_property(name="ENABLED")
    with context.store.change() as state:
        rights = context.rights(state)
        before = state.integrations.get(name)
        if answer := wanted.stop(name, before.owner if before else None, rights, "integration"):
            return answer
        rights.need_on_account("CREATE INTEGRATION")
        if before and any(_uses(state, integration=name)):
            msg = f"Integration '{name}' cannot be replaced: Iceberg tables use it."
            raise failures.invalid(msg)
        state.integrations[name] = Integration(
            state.take_id(),
            context.session.role,
            time.time(),
            enabled=found["ENABLED"] is True,
            comment=str(found.get("COMMENT", "")),
        )
    return status(f"Integration {name} successfully created.")


def create_database(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE DATABASE [IF NOT EXISTS] x; it has a schema PUBLIC and becomes the current one."""
    if replace:
        raise failures.not_modelled(what="CREATE OR REPLACE DATABASE")
    wanted = making(reader, replace=False)
    name = reader.identifier()
    found = reader.properties("DATABASE", modelled={"COMMENT"}, known=CONTAINER_OPTIONS)
    with context.store.change() as state:
        rights = context.rights(state)
        before = state.databases.get(name)
        if answer := wanted.stop(name, before.owner if before else None, rights, "database"):
            return answer
        rights.need_on_account("CREATE DATABASE")
        role, now = context.session.role, time.time()
        made = Database(state.take_id(), role, now, comment=str(found.get("COMMENT", "")))
        made.schemas["PUBLIC"] = Schema(state.take_id(), role, now)
        state.databases[name] = made
    context.session.database, context.session.schema = name, "PUBLIC"
    return status(f"Database {name} successfully created.")


def drop_volume(state: State, rights: Rights, name: str) -> None:
    """Remove a volume that no table uses."""
    found = state.volumes.get(name)
    if found is None:
        raise failures.missing(kind="External volume", name=name)
    rights.need_on_shared("OWNERSHIP", found.id, found.owner, f"External volume '{name}")
    if any(_uses(state, volume=name)):
        msg = f"External volume '{name}' cannot be dropped: Iceberg tables use it."
        raise failures.invalid(msg)
    del state.volumes[name]
    state.forget(found.id)


def drop_integration(state: State, rights: Rights, name: str) -> None:
    """Remove an integration that no table uses."""
    found = state.integrations.get(name)
    if found is None:
        raise failures.missing(kind="Integration", name=name)
    rights.need_on_shared("OWNERSHIP", found.id, found.owner, f"Integration '{name}")
    if any(_uses(state, integration=name)):
        msg = f"Integration '{name}' cannot be dropped: Iceberg tables use it."
        raise failures.invalid(msg)
    del state.integrations[name]
    state.forget(found.id)


CONTAINER_OPTIONS = {
    *("TRANSIENT", "CLONE", "DATA_RETENTION_TIME_IN_DAYS", "MAX_DATA_EXTENSION_TIME_IN_DAYS", "EXTERNAL_VOLUME"),
    *("CATALOG", "DEFAULT_DDL_COLLATION", "LOG_LEVEL", "TRACE_LEVEL", "TAG", "MANAGED", "FROM", "AS"),
    *("REPLACE_INVALID_CHARACTERS", "STORAGE_SERIALIZATION_POLICY", "CATALOG_SYNC"),
}


def _location(written: Value) -> dict[str, Value]:
    if not isinstance(written, list) or not written:
        raise failures.missing_property(name="STORAGE_LOCATIONS")
    if len(written) > 1:
        raise failures.not_modelled(what="an external volume with more than one storage location")
    location = written[0]
    if not isinstance(location, dict):
        msg = "invalid value for property 'STORAGE_LOCATIONS'"
        raise failures.invalid(msg)
    known = {"NAME", "STORAGE_PROVIDER", "STORAGE_BASE_URL", "STORAGE_AWS_ROLE_ARN"}
    for name in location.keys() - known:
        if name in {"STORAGE_AWS_EXTERNAL_ID", "ENCRYPTION", "USE_PRIVATELINK_ENDPOINT", "STORAGE_ENDPOINT"}:
            raise failures.not_modelled(what=f"{name} of a storage location")
        raise failures.invalid_property(name, "STORAGE_LOCATIONS")
    return location


def _uses(state: State, *, volume: str = "", integration: str = "") -> list[bool]:
    items = (
        item
        for database in state.databases.values()
        for schema in database.schemas.values()
        for item in schema.items.values()
    )
    return [
        True
        for item in items
        if item.kind == "ICEBERG TABLE" and (item.volume == volume or item.integration == integration)
    ]
