"""Open the lake's catalog and look tables up in it, always anew: nothing here caches a table.

The catalog is Iceberg's JDBC catalog in its V1 form, so that Spark's of the same name sees the same tables.
Creating tables and changing their schema is Spark's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot
from sqlalchemy.exc import SQLAlchemyError

from calve.errors import LakeLostError, LakeUnavailableError
from calve.lake.records import connect, migrate
from calve.settings import Settings

MAIN = "main"


@dataclass(frozen=True)
class TableState:
    """Where a table stands.

    Attributes:
        refs: Snapshot id of each branch and tag.
    """

    uuid: str
    metadata_location: str
    main_snapshot_id: int | None
    refs: dict[str, int]


def open_catalog(settings: Settings) -> SqlCatalog:
    """Open the catalog; in a new database, create its tables and those of the records."""
    url = settings.catalog_url.get_secret_value()
    with connect(settings) as conn:
        known = conn.execute("select to_regclass('iceberg_tables') is not null as known").fetchone()
        if not known or not known["known"]:
            migrate(conn)
    try:
        return SqlCatalog(
            settings.catalog_name,
            **{
                "uri": "postgresql+psycopg://" + url.partition("://")[2],
                "warehouse": settings.warehouse,
                "init_catalog_tables": "false",
                "pool_pre_ping": "true",
                **io_properties(settings),
            },
        )
    except SQLAlchemyError as error:
        msg = f"catalog {settings.catalog_name}: {type(error).__name__}, expected tables; run calve doctor"
        raise LakeUnavailableError(msg) from None


def io_properties(settings: Settings) -> dict[str, str]:
    """Return what PyIceberg needs to reach the object store."""
    found = {"s3.region": settings.s3_region, "s3.connect-timeout": "5", "s3.request-timeout": "30"}
    if settings.s3_endpoint:
        found |= {"s3.endpoint": settings.s3_endpoint, "s3.force-virtual-addressing": "false"}
    if settings.s3_access_key_id and settings.s3_secret_access_key:
        found["s3.access-key-id"] = settings.s3_access_key_id.get_secret_value()
        found["s3.secret-access-key"] = settings.s3_secret_access_key.get_secret_value()
    return found


def load(catalog: SqlCatalog, name: str) -> Table | None:
    """Load a table as it is now; None when the catalog has none of this name.

    Raises:
        LakeLostError: The catalog names a metadata file that is gone.
    """
    try:
        return catalog.load_table(name)
    except NoSuchTableError:
        return None
    except FileNotFoundError as error:
        msg = (
            f"table {name}: the catalog names a metadata file that the object store has not ({error}); "
            "restore the bucket, or locally: calve local down --wipe && calve local up"
        )
        raise LakeLostError(msg) from error
    except (OSError, SQLAlchemyError) as error:
        msg = f"table {name}: {type(error).__name__} while loading it, expected its metadata; run calve doctor"
        raise LakeUnavailableError(msg) from error


def table_state(catalog: SqlCatalog, name: str) -> TableState:
    """Return where a table such as `curated.dim_region` stands.

    Raises:
        LakeUnavailableError: The catalog has no such table.
    """
    table = load(catalog, name)
    if table is None:
        msg = f"table {name}: the catalog has none, expected one; run its pipeline, which creates it"
        raise LakeUnavailableError(msg)
    refs = {ref: found.snapshot_id for ref, found in table.metadata.refs.items()}
    return TableState(str(table.metadata.table_uuid), table.metadata_location, refs.get(MAIN), refs)


def find_snapshot(catalog: SqlCatalog, name: str, key: str, value: str, ref: str | None = None) -> int | None:
    """Return the newest snapshot on a ref (by default `main`) whose summary says `key` = `value`."""
    table = load(catalog, name)
    if table is None:
        return None
    head = table.metadata.refs.get(ref or MAIN)
    for snapshot in ancestry(table.metadata, head.snapshot_id if head else None):
        if snapshot.summary is not None and snapshot.summary[key] == value:
            return snapshot.snapshot_id
    return None


def ancestry(metadata: TableMetadata, snapshot_id: int | None) -> Iterator[Snapshot]:
    """Yield a snapshot and its ancestors, as far back as they are listed."""
    listed = {snapshot.snapshot_id: snapshot for snapshot in metadata.snapshots}
    while snapshot_id is not None and (snapshot := listed.get(snapshot_id)) is not None:
        yield snapshot
        snapshot_id = snapshot.parent_snapshot_id


def snapshots_with(catalog: SqlCatalog, name: str, key: str, value: str) -> list[tuple[int, dict[str, str]]]:
    """Return id and summary of every listed snapshot, on whatever ref, whose summary says `key` = `value`."""
    table = load(catalog, name)
    found = [] if table is None else [(each.snapshot_id, summary_of(each)) for each in table.metadata.snapshots]
    return [(snapshot_id, summary) for snapshot_id, summary in found if summary.get(key) == value]


def main_head(catalog: SqlCatalog, name: str) -> tuple[int | None, dict[str, str]]:
    """Return the snapshot that `main` of a table shows, and its summary; None and nothing when there is none."""
    table = load(catalog, name)
    current = table.metadata.current_snapshot() if table is not None else None
    return (current.snapshot_id, summary_of(current)) if current is not None else (None, {})


def columns_of(catalog: SqlCatalog, name: str) -> dict[str, str] | None:
    """Return a table's columns in order with their Iceberg types; None when the catalog has none of this name."""
    table = load(catalog, name)
    if table is None:
        return None
    return {field.name: str(field.field_type) for field in table.metadata.schema().fields}


def summary_of(snapshot: Snapshot) -> dict[str, str]:
    """Return a snapshot's summary as plain text."""
    if snapshot.summary is None:
        return {}
    return {str(key): str(value) for key, value in snapshot.summary.additional_properties.items()}
