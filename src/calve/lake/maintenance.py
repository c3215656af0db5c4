"""Keep litter bounded: drop dead branches and old tags, expire snapshots, delete files that nothing refers to.

Runs beside everything else and needs no lease. Metadata is changed first, files are only ever deleted by looking
for what nothing refers to; so a crash in between leaves litter for the next time, never a hole.
It must never touch a file of any ref, nor a published copy whose tag is kept, nor what a live run has written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestFile
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.update import RemoveSnapshotRefUpdate, RemoveSnapshotsUpdate, TableUpdate

from calve.effects import effect
from calve.errors import LakeUnavailableError
from calve.lake.catalog import ancestry, open_catalog
from calve.lake.objects import Found, ObjectStore, open_store
from calve.lake.pointers import (
    Loaded,
    PointerMovedError,
    advance,
    as_json,
    move_pointers,
    next_location,
    read_metadata,
    read_pointers,
)
from calve.lake.records import Connection, query, transaction
from calve.lake.retention import KEEP_FILES, KEEP_PUBLICATIONS, Retention, decide
from calve.settings import Settings

logger = logging.getLogger(__name__)

NAMESPACES = ("raw", "curated", "quarantine")
_TRIES = 3


@dataclass(frozen=True)
class Maintained:
    """What one maintenance removed."""

    branches: int = 0
    tags: int = 0
    snapshots: int = 0
    files: int = 0
    copies: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class _Expiry:
    branches: tuple[str, ...]
    tags: tuple[str, ...]
    snapshots: tuple[int, ...]


def maintain(
    settings: Settings,
    conn: Connection,
    *,
    publications: timedelta = KEEP_PUBLICATIONS,
    files: timedelta = KEEP_FILES,
) -> Maintained:
    """Remove what retention lets go, of all tables of the lake.

    Raises:
        LakeUnavailableError: A table could not be read; no file was deleted.
    """
    kept = decide(conn, publications=publications, files=files)
    store = open_store(settings)
    names = _pointers(settings, conn)
    expired = [_expire(settings, conn, store, name, kept) for name in names]
    orphans, copies = _unreferenced(settings, conn, store, kept)
    with effect("maintenance.files"):
        store.delete([found.location for found in orphans])
    with effect("maintenance.copies"):
        store.delete([found.location for found in copies])
    done = Maintained(
        branches=sum(len(each.branches) for each in expired),
        tags=sum(len(each.tags) for each in expired),
        snapshots=sum(len(each.snapshots) for each in expired),
        files=len(orphans),
        copies=len(copies),
        size_bytes=sum(found.size_bytes for found in (*orphans, *copies)),
    )
    logger.info("maintained", extra={"files": done.files, "snapshots": done.snapshots})
    return done


def _expire(settings: Settings, conn: Connection, store: ObjectStore, name: str, kept: Retention) -> _Expiry:
    for _ in range(_TRIES):
        location = _pointers(settings, conn).get(name)
        if location is None:
            break
        loaded = read_metadata(store, name, location)
        expiry = _plan(loaded, kept)
        updates = _updates(expiry)
        if not updates:
            break
        now = query(conn, "select clock_timestamp() as now")[0]["now"]
        new = next_location(loaded)
        with effect("maintenance.metadata"):
            store.write(new, as_json(advance(loaded, updates, now)))
        try:
            with effect("maintenance.commit"), transaction(conn) as cursor:
                move_pointers(cursor, settings.catalog_name, {name: (location, new)})
        except PointerMovedError:
            continue
        return expiry
    return _Expiry((), (), ())


def _plan(loaded: Loaded, kept: Retention) -> _Expiry:
    refs = loaded.metadata.refs
    expired = {publication.tag for publication in kept.expired}
    branches = tuple(sorted(kept.dead_branches & refs.keys()))
    tags = tuple(sorted(expired & refs.keys()))
    needed: set[int] = set()
    on_main = [snapshot.snapshot_id for snapshot in ancestry(loaded.metadata, loaded.main)]
    for name, ref in refs.items():
        if name in branches or name in tags:
            continue
        needed.add(ref.snapshot_id)
        if ref.snapshot_ref_type == SnapshotRefType.BRANCH and name != MAIN_BRANCH:
            # A branch is published only as a descendant of its base, which must be listed for that.
            for snapshot in ancestry(loaded.metadata, ref.snapshot_id):
                needed.add(snapshot.snapshot_id)
                if snapshot.snapshot_id in on_main:
                    break
    before = int(kept.snapshots_before.timestamp() * 1000)
    gone = [s.snapshot_id for s in loaded.metadata.snapshots if s.timestamp_ms < before and s.snapshot_id not in needed]
    return _Expiry(branches, tags, tuple(gone))


def _updates(expiry: _Expiry) -> list[TableUpdate]:
    updates: list[TableUpdate] = [
        RemoveSnapshotRefUpdate.model_validate({"ref-name": name}) for name in (*expiry.branches, *expiry.tags)
    ]
    if expiry.snapshots:
        updates.append(RemoveSnapshotsUpdate.model_validate({"snapshot-ids": list(expiry.snapshots)}))
    return updates


def _unreferenced(
    settings: Settings, conn: Connection, store: ObjectStore, kept: Retention
) -> tuple[list[Found], list[Found]]:
    """List first and look for references then: what is committed in between is young, and so not deleted."""
    catalog = open_catalog(settings)
    copies = list(store.list(f"{settings.warehouse}/_published/"))
    tables = [read_metadata(store, name, location) for name, location in _pointers(settings, conn).items()]
    listed = {table.name: list(store.list(f"{table.metadata.location}/")) for table in tables}
    referenced: set[str] = set()
    for name in listed:
        referenced |= {_key(location) for location in references(catalog, name)}
    for table in tables:
        if _key(table.location) not in {_key(found.location) for found in listed[table.name]}:
            msg = (
                f"table {table.name}: its own metadata file is not listed below {table.metadata.location}; no file was "
                "deleted. Look whether the table was moved"
            )
            raise LakeUnavailableError(msg)
    named = {_key(f"{settings.warehouse}/{table.copy_path}") for each in kept.kept for table in each.tables}
    found = (each for files in listed.values() for each in files)
    return list(_old(found, referenced, kept)), list(_old(copies, named, kept))


def references(catalog: SqlCatalog, name: str) -> Iterator[str]:
    """Yield every file that a table refers to, from all snapshots that it lists."""
    table = catalog.load_table(name)
    metadata = table.metadata
    yield table.metadata_location
    yield from (entry.metadata_file for entry in metadata.metadata_log)
    yield from (each.statistics_path for each in (*metadata.statistics, *metadata.partition_statistics))
    read: set[str] = set()
    for snapshot in metadata.snapshots:
        yield snapshot.manifest_list
        yield from _of_manifests(table.io, snapshot.manifests(table.io), read)


def _of_manifests(io: FileIO, manifests: Iterable[ManifestFile], read: set[str]) -> Iterator[str]:
    for manifest in manifests:
        path = manifest.manifest_path
        if path in read:
            continue
        read.add(path)
        yield path
        for entry in manifest.fetch_manifest_entry(io, discard_deleted=True):
            yield entry.data_file.file_path


def _old(found: Iterable[Found], referenced: set[str], kept: Retention) -> Iterator[Found]:
    return (each for each in found if each.written_at < kept.files_before and _key(each.location) not in referenced)


def _key(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.netloc}{parts.path}"


def _pointers(settings: Settings, conn: Connection) -> dict[str, str]:
    with transaction(conn) as cursor:
        return read_pointers(cursor, settings.catalog_name, NAMESPACES)
