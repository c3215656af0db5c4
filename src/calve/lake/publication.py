"""Publish a run: move `main` of all tables of a pipeline at once, to exactly the snapshots that were audited.

One PostgreSQL transaction moves every pointer and writes the record; either all of it is visible or nothing. A
reply that is lost is never guessed about: the record with the run key says whether the publication happened.
It must never move a table whose `main` is not the verdict's base, and never to a branch's head.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from psycopg.types.json import Jsonb

from calve.effects import effect
from calve.errors import (
    BlockedError,
    ClockSkewError,
    JobFailedError,
    LakeUnavailableError,
    LeaseLostError,
    StaleBaseError,
)
from calve.lake import ledger
from calve.lake.lease import require
from calve.lake.moves import Move, Stamp, carried, of_verdict, prepare
from calve.lake.pointers import MAX_SKEW, PointerMovedError, move_pointers, read_pointers
from calve.lake.published import (
    Pinned,
    Publication,
    PublishedTable,
    find_publication,
    history,
    live_numbers,
    newest,
    newest_of,
    numbered,
    pins,
)
from calve.lake.records import Connection, Cursor, connect, query, transaction
from calve.lake.verdicts import read_verdicts, void_verdicts
from calve.runs import Run
from calve.settings import Settings

__all__ = [
    "PUBLISH_LOCK",
    "Pinned",
    "Publication",
    "PublishedTable",
    "find_publication",
    "history",
    "live_numbers",
    "newest",
    "numbered",
    "pins",
    "publish",
]

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]

PUBLISH_LOCK = 0x63616C7665_02
_TRIES = 5
NAMESPACES = ("curated", "quarantine")


def utc_now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Intent:
    """What a publication is about to do.

    Attributes:
        key: Run key, or what stands for it; there is one publication per key.
        moves: Computed inside the transaction, from the records as they are there.
    """

    key: str
    run: Run
    kind: Literal["run", "rollback"]
    epoch: int
    parent: Callable[[Cursor], int | None]
    moves: Callable[[Cursor], Sequence[Move]]
    digest: Callable[[Cursor], str]


def publish(settings: Settings, conn: Connection, run: Run, epoch: int, *, clock: Clock = utc_now) -> Publication:
    """Publish a run whose datasets all passed; a run that is published already returns its publication.

    Raises:
        BlockedError: The audit blocked a dataset; nothing was changed.
        StaleBaseError: `main` moved since the run staged; its verdict is void, the next attempt stages again.
        LeaseLostError: Another run took over; nothing was changed.
        ClockSkewError: Our clock and PostgreSQL's differ by more than 20 s; nothing was changed.
        PublicationConflictError: Some tables are published, but there is no record; a person must look.
        LakeUnavailableError: The outcome could not be learned; the same call again finds it out.
    """

    def parent(cursor: Cursor) -> int | None:
        before = newest_of(cursor, run.pipeline)
        return before.number if before else None

    intent = Intent(run.key, run, "run", epoch, parent, lambda cursor: _moves(cursor, run), lambda c: _digest(c, run))
    try:
        publication = settle(settings, conn, intent, clock)
    except StaleBaseError as error:
        void_verdicts(conn, run.key, str(error), epoch=epoch)
        raise
    logger.info("published", extra={"run_key": run.key, "publication": publication.number})
    return publication


def settle(settings: Settings, conn: Connection, intent: Intent, clock: Clock) -> Publication:
    """Make an intent true exactly once, whatever becomes of connections on the way."""
    connection = conn
    for _ in range(_TRIES):
        try:
            if known := find_publication(connection, intent.key):
                return known
            _check_clock(connection, clock)
            return _commit(settings, connection, intent)
        except PointerMovedError as moved:
            logger.info("table moved while publishing, starting over", extra={"table": str(moved)})
        except LakeUnavailableError:
            if not connection.closed:
                raise
            # Whether it was committed is unknown. The next try looks the key up, under the lock that the
            # lost transaction holds until PostgreSQL ended it.
            connection = connect(settings)
    msg = f"run {intent.key}: tables were written {_TRIES} times while it was published; run again"
    raise LakeUnavailableError(msg)


def _commit(settings: Settings, conn: Connection, intent: Intent) -> Publication:
    with effect("publication.commit"), transaction(conn) as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (PUBLISH_LOCK,))
        if known := find_publication(conn, intent.key):
            return known
        require(cursor, intent.run.pipeline, intent.epoch)
        moves = intent.moves(cursor)
        pointers = read_pointers(cursor, settings.catalog_name, NAMESPACES)
        row = cursor.execute(
            "select coalesce(max(number), 0) + 1 as number, clock_timestamp() as now from calve.publication"
        ).fetchall()[0]
        tables = prepare(settings, moves, pointers, intent.run, Stamp(row["number"], row["now"]))
        moved = {table.name: (pointers[table.name], table.metadata_location) for table in tables}
        move_pointers(cursor, settings.catalog_name, moved)
        publication = Publication(
            number=row["number"],
            run_key=intent.key,
            pipeline=intent.run.pipeline,
            interval=intent.run.interval,
            scope=intent.run.scope,
            generation=intent.run.generation,
            published_at=row["now"],
            tables=tuple(tables),
            digest=intent.digest(cursor),
            kind=intent.kind,
            parent=intent.parent(cursor),
        )
        with effect("publication.record"):
            _record(cursor, publication, intent.epoch)
        ledger.add(cursor, publication)
    return publication


def _moves(cursor: Cursor, run: Run) -> list[Move]:
    verdicts = read_verdicts(cursor, run.key)
    if not verdicts:
        msg = f"run {run.key}: no verdict, expected one per dataset; run again, it stages and audits"
        raise JobFailedError(msg)
    if blocked := [verdict.dataset for verdict in verdicts if verdict.word != "passed"]:
        msg = f"run {run.key}: blocked by the audit of {', '.join(blocked)}; see `calve audit show {run.key}`"
        raise BlockedError(msg)
    moves = [move for verdict in verdicts for move in of_verdict(verdict)]
    named = {move.name for move in moves}
    before = newest_of(cursor, run.pipeline)
    # A dataset that the run has no verdict for goes on as it was published.
    moves += [carried(each) for each in (before.tables if before else ()) if each.name not in named]
    return sorted(moves, key=lambda move: move.name)


def _digest(cursor: Cursor, run: Run) -> str:
    row = cursor.execute(
        "select digest from calve.attempt where run_key = %s order by attempt desc limit 1", (run.key,)
    ).fetchone()
    return str(row["digest"]) if row else ""


def _record(cursor: Cursor, publication: Publication, epoch: int) -> None:
    inserted = cursor.execute(
        """
        insert into calve.publication (
            number, run_key, pipeline, since, until, scope, generation, kind, parent, epoch, digest, tables,
            published_at
        )
        select %(number)s, %(run_key)s, lease.pipeline, %(since)s, %(until)s, %(scope)s, %(generation)s, %(kind)s,
            %(parent)s, lease.epoch, %(digest)s, %(tables)s, %(published_at)s
        from calve.lease
        where lease.pipeline = %(pipeline)s and lease.epoch = %(epoch)s and lease.released_at is null
        """,
        {
            **vars(publication),
            "since": publication.interval.since,
            "until": publication.interval.until,
            "epoch": epoch,
            "tables": Jsonb([table.as_record() for table in publication.tables]),
        },
    ).rowcount
    if inserted != 1:
        msg = f"run {publication.run_key}: lease epoch {epoch} is over; nothing was published, run again"
        raise LeaseLostError(msg)


def _check_clock(conn: Connection, clock: Clock) -> None:
    before = clock()
    theirs: datetime = query(conn, "select clock_timestamp() as now")[0]["now"]
    ours = before + (clock() - before) / 2
    if abs(ours - theirs) > MAX_SKEW:
        msg = (
            f"clock: ours is {(ours - theirs).total_seconds():+.0f} s off PostgreSQL's, at most {MAX_SKEW.seconds} s "
            "are allowed; correct the clock of this machine and run again"
        )
        raise ClockSkewError(msg)
