"""External Iceberg tables: made from, and pointed at, the metadata file that a statement names.

The file is read before anything is changed; if it is absent, broken, of another table or of a type that is not
modelled, the table serves what it served.
"""

import time
from dataclasses import dataclass
from dataclasses import replace as changed

from calve.standin.snowflake import failures, metadata
from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.catalog import Column, IcebergTable, Integration, State, Volume
from calve.standin.snowflake.names import Path, find_path
from calve.standin.snowflake.statements.context import OK, Context, making, put
from calve.standin.snowflake.tokens import Reader, text_value
from calve.standin.snowflake.wire import Rows, status

_REFRESHES_KEPT = 100


@dataclass(frozen=True)
class Asked:
    """What a CREATE ICEBERG TABLE says after the name."""

    volume: str
    integration: str
    path: str
    comment: str


def create_table(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE [OR REPLACE] ICEBERG TABLE [IF NOT EXISTS] t EXTERNAL_VOLUME CATALOG METADATA_FILE_PATH."""
    wanted = making(reader, replace=replace)
    parts = reader.name()
    asked = _asked(reader)
    state = context.store.current
    volume, _ = _ingredients(state, context.rights(state), asked.volume, asked.integration)
    known = find_path(state, context.rights(state), context.place, parts)
    if wanted.if_not_exists and (there := known.schema.items.get(known.name)) is not None:
        return wanted.stop(known.name, there.owner, context.rights(state), "table") or status(OK)
    read = metadata.load(context.worker, metadata.location(volume, asked.path))
    with context.store.change() as state:
        rights = context.rights(state)
        where = find_path(state, rights, context.place, parts)
        before = where.schema.items.get(where.name)
        if answer := wanted.stop(where.name, before.owner if before else None, rights, "table"):
            return answer
        rights.need("CREATE ICEBERG TABLE", where.schema, "SCHEMA", where.schema_name)
        _ingredients(state, rights, asked.volume, asked.integration)
        table = IcebergTable(
            id=state.take_id(),
            owner=context.session.role,
            created_at=time.time(),
            volume=asked.volume,
            integration=asked.integration,
            metadata_path=asked.path,
            metadata_uri=read.uri,
            table_uuid=read.table_uuid,
            columns=read.columns,
            refreshes=(read.refresh(context.query_id),),
            comment=asked.comment,
        )
        put(state, where, table)
    return status(f"Iceberg table {where.name} successfully created.")


def alter_table(reader: Reader, context: Context) -> Rows:
    """ALTER ICEBERG TABLE [IF EXISTS] t REFRESH '<path>' | {MODIFY|ALTER} COLUMN c SET MASKING POLICY p."""
    if_exists = reader.accept("IF", "EXISTS")
    parts = reader.name()
    state = context.store.current
    where = find_path(state, context.rights(state), context.place, parts)
    if if_exists and where.name not in where.schema.items:
        return status("Statement executed successfully.")
    if reader.accept("REFRESH"):
        if reader.done:
            raise failures.not_modelled(what="REFRESH without a metadata file path (a catalog other than OBJECT_STORE)")
        path = reader.string()
        reader.end()
        return _refresh(context, parts, path)
    if reader.peek("MODIFY") or reader.peek("ALTER"):
        from calve.standin.snowflake.statements import policies

        return policies.attach(reader, context, parts)
    raise failures.not_modelled(what=f"ALTER ICEBERG TABLE ... {reader.words(2)}")


def owned_table(state: State, rights: Rights, where: Path) -> IcebergTable:
    """Return the Iceberg table there if the role owns it."""
    table = where.item(rights, "Table")
    if not isinstance(table, IcebergTable):
        msg = f"'{where.full}' is not an Iceberg table."
        raise failures.invalid(msg)
    rights.need("OWNERSHIP", table, "TABLE", where.full)
    return table


def _asked(reader: Reader) -> Asked:
    if reader.peek("("):
        raise failures.not_modelled(what="CREATE ICEBERG TABLE with columns (Snowflake as catalog)")
    found = reader.properties(
        "ICEBERG TABLE",
        modelled={"EXTERNAL_VOLUME", "CATALOG", "METADATA_FILE_PATH", "COMMENT"},
        known={"REPLACE_INVALID_CHARACTERS", "TAG", "CONTACT", "BASE_LOCATION", "CATALOG_TABLE_NAME", "COPY"}
        | {"CATALOG_NAMESPACE", "AUTO_REFRESH", "CLUSTER", "AS", "CATALOG_SYNC"},
    )
    integration = text_value(found, "CATALOG").upper()
    if integration == "SNOWFLAKE":
        raise failures.not_modelled(what="CATALOG = 'SNOWFLAKE'")
    return Asked(
        volume=text_value(found, "EXTERNAL_VOLUME").upper(),
        integration=integration,
        path=text_value(found, "METADATA_FILE_PATH"),
        comment=str(found.get("COMMENT", "")),
    )


def _refresh(context: Context, parts: tuple[str, ...], path: str) -> Rows:
    state = context.store.current
    where = find_path(state, context.rights(state), context.place, parts)
    table = owned_table(state, context.rights(state), where)
    volume = _usable_by_owner(state, table)
    read = metadata.load(context.worker, metadata.location(volume, path))
    if read.table_uuid != table.table_uuid:
        text = f"Metadata file '{path}' belongs to table {read.table_uuid}, '{where.full}' is {table.table_uuid}."
        raise failures.SqlError(91382, "22000", f"SQL compilation error:\n{text}")
    with context.store.change() as state:
        where = find_path(state, context.rights(state), context.place, parts)
        current = owned_table(state, context.rights(state), where)
        if current.id != table.id:
            raise failures.missing(kind="Table", name=where.full)
        refreshes = (*current.refreshes, read.refresh(context.query_id))[-_REFRESHES_KEPT:]
        where.schema.items[where.name] = changed(
            current,
            metadata_path=path,
            metadata_uri=read.uri,
            columns=_with_policies(read.columns, current.columns),
            refreshes=refreshes,
        )
    return status(OK)


def _with_policies(columns: tuple[Column, ...], before: tuple[Column, ...]) -> tuple[Column, ...]:
    policies = {column.name: column.policy_id for column in before}
    return tuple(changed(column, policy_id=policies.get(column.name)) for column in columns)


def _usable_by_owner(state: State, table: IcebergTable) -> Volume:
    owner = Rights(state, table.owner)
    volume, _ = _ingredients(state, owner, table.volume, table.integration)
    return volume


def _ingredients(state: State, rights: Rights, volume: str, catalog: str) -> tuple[Volume, Integration]:
    """Return volume and integration if they exist, are enabled, and the role may use them."""
    found = state.volumes.get(volume)
    if found is None:
        raise failures.missing(kind="External volume", name=volume)
    rights.need_on_shared("USAGE", found.id, found.owner, f"External volume '{volume}")
    integration = state.integrations.get(catalog)
    if integration is None:
        raise failures.missing(kind="Integration", name=catalog)
    rights.need_on_shared("USAGE", integration.id, integration.owner, f"Integration '{catalog}")
    if not integration.enabled:
        msg = f"Integration '{catalog}' is not enabled."
        raise failures.invalid(msg)
    return found, integration
