"""Read, write and move the metadata that the catalog points to, several tables in one transaction.

A metadata file is written before anything points to it and is never changed. A pointer moves only from the file
that was read, so that what somebody else committed in between is never undone.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO

from pyiceberg.serializers import Compressor, FromByteStream
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.update import (
    RemoveSnapshotRefUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
    update_table_metadata,
)

from calve.errors import ClockSkewError
from calve.lake.objects import ObjectStore
from calve.lake.records import Cursor

MAX_SKEW = timedelta(seconds=20)


@dataclass(frozen=True)
class Loaded:
    """A table as the catalog pointed to it: name such as `curated.x`, the metadata file and its content."""

    name: str
    location: str
    metadata: TableMetadata

    @property
    def main(self) -> int | None:
        """Return the snapshot of `main`; None for a table that never had one."""
        return self.ref(MAIN_BRANCH)

    def ref(self, name: str) -> int | None:
        """Return the snapshot of a branch or tag."""
        found = self.metadata.refs.get(name)
        return found.snapshot_id if found else None


class PointerMovedError(Exception):
    """Somebody else committed to a table after we read it; start over, checks included."""


def read_pointers(cursor: Cursor, catalog_name: str, namespaces: Iterable[str]) -> dict[str, str]:
    """Return the metadata file of each table of the namespaces, by name such as `curated.x`."""
    rows = cursor.execute(
        "select table_namespace || '.' || table_name as name, metadata_location from iceberg_tables"
        " where catalog_name = %s and table_namespace = any(%s) and coalesce(iceberg_type, 'TABLE') = 'TABLE'"
        " order by 1",
        (catalog_name, list(namespaces)),
    ).fetchall()
    return {row["name"]: row["metadata_location"] for row in rows}


def move_pointers(cursor: Cursor, catalog_name: str, moves: dict[str, tuple[str, str]]) -> None:
    """Move each table from its old to its new metadata file, in name order.

    Raises:
        PointerMovedError: A table is not at the old file any more; the transaction must be given up.
    """
    for name, (old, new) in sorted(moves.items()):
        namespace, _, table = name.partition(".")
        moved = cursor.execute(
            "update iceberg_tables set metadata_location = %s, previous_metadata_location = %s"
            " where catalog_name = %s and table_namespace = %s and table_name = %s and metadata_location = %s",
            (new, old, catalog_name, namespace, table, old),
        ).rowcount
        if moved != 1:
            raise PointerMovedError(name)


def read_metadata(store: ObjectStore, name: str, location: str) -> Loaded:
    """Read the metadata file of a table.

    Raises:
        LakeLostError: The file is gone.
    """
    content = BytesIO(store.read(location))
    compression = Compressor.get_compressor(location)
    return Loaded(name, location, FromByteStream.table_metadata(content, compression=compression))


def as_json(metadata: TableMetadata) -> bytes:
    """Return the content of a metadata file."""
    return metadata.model_dump_json(exclude_none=True).encode()


def next_location(old: Loaded) -> str:
    """Return a location for the next metadata file of a table, never used before."""
    version = re.match(r"(\d+)-", old.location.rpartition("/")[2])
    number = int(version[1]) + 1 if version else 1
    return f"{old.metadata.location}/metadata/{number:05d}-{uuid.uuid4()}.metadata.json"


def advance(old: Loaded, updates: Iterable[TableUpdate], now: datetime) -> TableMetadata:
    """Return the metadata with the updates applied, dated later than everything in it.

    Raises:
        ClockSkewError: The table was written by a clock so far ahead that Spark could not read what follows.
    """
    new = update_table_metadata(old.metadata, tuple(updates), enforce_validation=True, metadata_location=old.location)
    newest = _newest(old)
    now_ms = int(now.timestamp() * 1000)
    if newest - now_ms > MAX_SKEW / timedelta(milliseconds=1):
        msg = (
            f"table {old.name}: last written {(newest - now_ms) / 1000:.0f} s after PostgreSQL's now, at most "
            f"{MAX_SKEW.seconds} s are allowed; correct the clock of its writer and run again"
        )
        raise ClockSkewError(msg)
    at = max(now_ms, newest) + 1
    log = list(new.snapshot_log)
    if len(log) > len(old.metadata.snapshot_log):
        log[-1] = log[-1].model_copy(update={"timestamp_ms": at})
    return new.model_copy(update={"last_updated_ms": at, "snapshot_log": log})


def point(loaded: Loaded, snapshot_id: int | None, *, tag: str | None, drop: Iterable[str]) -> list[TableUpdate]:
    """Return the updates that set `main` and a tag to a snapshot and drop branches."""
    updates: list[TableUpdate] = []
    if snapshot_id is not None:
        if loaded.main != snapshot_id:
            updates.append(_ref(MAIN_BRANCH, SnapshotRefType.BRANCH, snapshot_id))
        if tag is not None:
            updates.append(_ref(tag, SnapshotRefType.TAG, snapshot_id))
    updates += [RemoveSnapshotRefUpdate(ref_name=name) for name in drop]
    return updates


def _ref(name: str, kind: SnapshotRefType, snapshot_id: int) -> SetSnapshotRefUpdate:
    return SetSnapshotRefUpdate.model_validate({"ref-name": name, "type": kind.value, "snapshot-id": snapshot_id})


def _newest(loaded: Loaded) -> int:
    metadata = loaded.metadata
    dated = [metadata.last_updated_ms or 0]
    dated += [entry.timestamp_ms for entry in metadata.snapshot_log[-1:]]
    dated += [entry.timestamp_ms for entry in metadata.metadata_log[-1:]]
    return max(dated)
