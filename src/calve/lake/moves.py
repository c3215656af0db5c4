"""Check and write what a publication moves: from the base of each table to exactly the audited snapshot.

Nothing here is visible to a reader before the pointers move. A table whose `main` is not at the base is refused.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from calve.effects import effect
from calve.errors import PublicationConflictError, StaleBaseError
from calve.lake.catalog import ancestry
from calve.lake.objects import CONNECTIONS, ObjectStore, open_store
from calve.lake.pointers import Loaded, advance, as_json, next_location, point, read_metadata
from calve.lake.published import PublishedTable
from calve.lake.verdicts import DatasetVerdict
from calve.runs import Run
from calve.settings import Settings


@dataclass(frozen=True)
class Stamp:
    """Number and time, by PostgreSQL's clock, of a publication."""

    number: int
    at: datetime


@dataclass(frozen=True)
class Move:
    """From which to which snapshot a publication moves a table; the same for a table that didn't change.

    Attributes:
        must_descend: The target was staged on the base; not so for a rollback.
        is_carried: The run says nothing about this table; it stays as it was published.
    """

    dataset: str
    namespace: str
    uuid: str
    base: int | None
    target: int | None
    row_count: int | None
    must_descend: bool = True
    is_carried: bool = False

    @property
    def name(self) -> str:
        """Return the table's name, e.g. `curated.dim_region`."""
        return f"{self.namespace}.{self.dataset}"


def of_verdict(verdict: DatasetVerdict) -> list[Move]:
    """Return the moves of a dataset and of its quarantine."""
    base, staged = verdict.base_snapshot_id, verdict.staged_snapshot_id
    moves = [Move(verdict.dataset, "curated", verdict.table_uuid, base, staged, verdict.row_count)]
    if verdict.quarantine_uuid is not None:
        base, staged = verdict.quarantine_base_id, verdict.quarantine_snapshot_id
        moves.append(Move(verdict.dataset, "quarantine", verdict.quarantine_uuid, base, staged, None))
    return moves


def carried(table: PublishedTable) -> Move:
    """Return the move that leaves a table where it was published."""
    at = table.snapshot_id
    return Move(table.dataset, table.namespace, table.uuid, at, at, table.row_count, is_carried=True)


def prepare(
    settings: Settings, moves: Sequence[Move], pointers: dict[str, str], run: Run, stamp: Stamp
) -> list[PublishedTable]:
    """Check all tables, then write the new metadata of each and its copy."""
    store = open_store(settings)
    # A carried dataset that somebody dropped isn't published any more.
    moves = [move for move in moves if not move.is_carried or move.name in pointers]
    if missing := [move.name for move in moves if move.name not in pointers]:
        msg = (
            f"run {run.key}: the catalog has no table {', '.join(missing)}, expected those that were audited; "
            "find out who dropped them, then reprocess the interval"
        )
        raise PublicationConflictError(msg)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        loaded = list(pool.map(lambda move: read_metadata(store, move.name, pointers[move.name]), moves))
        check(run.key, moves, loaded)
        tables, writes = [], []
        for move, table in zip(moves, loaded, strict=True):
            published, content = _moved(move, table, run, stamp)
            tables.append(published)
            copy = f"{settings.warehouse}/{published.copy_path}"
            writes.append(pool.submit(_write_metadata, store, published.metadata_location, content))
            writes.append(pool.submit(_write_copy, store, copy, content))
        for write in writes:
            write.result()
    return tables


def check(key: str, moves: Sequence[Move], loaded: Sequence[Loaded]) -> None:
    """Refuse unless every table is the one that was audited, at the base on which it was staged."""
    pairs = list(zip(moves, loaded, strict=True))
    for move, table in pairs:
        if str(table.metadata.table_uuid) != move.uuid:
            msg = (
                f"run {key}: table {move.name} is {table.metadata.table_uuid}, audited was {move.uuid}; somebody "
                "made it anew: find out who, then reprocess the interval"
            )
            raise PublicationConflictError(msg)
    there = [move.name for move, table in pairs if move.target != move.base and table.main == move.target]
    if there:
        msg = (
            f"run {key}: {', '.join(there)} at the audited snapshot, expected all tables at their base, since no "
            "publication is recorded; somebody moved them by hand: set main of these back to the base"
        )
        raise PublicationConflictError(msg)
    for move, table in pairs:
        if table.main != move.base:
            msg = (
                f"run {key}: main of {move.name} is at snapshot {table.main}, expected {move.base} on which the "
                "run staged; run again, it stages on the new one"
            )
            raise StaleBaseError(msg)
        if move.target is not None and not _is_reachable(move, table):
            msg = (
                f"run {key}: snapshot {move.target} of {move.name} is not listed as a descendant of "
                f"{move.base}, expected the audited one; run again, it stages anew"
            )
            raise StaleBaseError(msg)


def _is_reachable(move: Move, table: Loaded) -> bool:
    line = [snapshot.snapshot_id for snapshot in ancestry(table.metadata, move.target)]
    return bool(line) and (not move.must_descend or move.base is None or move.base in line)


def _write_metadata(store: ObjectStore, location: str, content: bytes) -> None:
    with effect("publication.metadata"):
        store.write(location, content)


def _write_copy(store: ObjectStore, location: str, content: bytes) -> None:
    with effect("publication.copy"):
        store.write(location, content)


def _moved(move: Move, loaded: Loaded, run: Run, stamp: Stamp) -> tuple[PublishedTable, bytes]:
    """Return what a table is published as, and the content of its new metadata; nothing is written."""
    own = re.compile(rf"{re.escape(run.branch(0)[:-1])}\d+")
    drop = [name for name in loaded.metadata.refs if own.fullmatch(name)]
    new = advance(loaded, point(loaded, move.target, tag=f"pub_{stamp.number}", drop=drop), stamp.at)
    published = PublishedTable(
        dataset=move.dataset,
        namespace=move.namespace,
        uuid=move.uuid,
        snapshot_id=move.target,
        metadata_location=next_location(loaded),
        copy_path=f"_published/{move.name}/{stamp.number:05d}-{uuid.uuid4()}.metadata.json",
        row_count=_row_count(move, loaded),
        staged=move.target != move.base,
    )
    return published, as_json(new)


def _row_count(move: Move, loaded: Loaded) -> int:
    if move.row_count is not None:
        return move.row_count
    snapshot = loaded.metadata.snapshot_by_id(move.target) if move.target is not None else None
    summary = snapshot.summary if snapshot else None
    return int((summary["total-records"] if summary else None) or 0)
