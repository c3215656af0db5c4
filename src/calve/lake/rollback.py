"""Go back to an earlier publication, as a new publication.

`main` of every table points to the older snapshots again, which their tags kept. What came after it is withdrawn:
its landings are not read any more, the ledger shows its intervals as open, and the watermark of each source is
again that of the restored publication. So the next run reads what was withdrawn anew, as the next generation.
Rolling back to a withdrawn publication brings all that back. Nothing is deleted.
"""

from __future__ import annotations

import logging
import uuid

from calve.errors import IntervalError, PublicationConflictError, StaleBaseError
from calve.lake.lease import Holder, held
from calve.lake.moves import Move
from calve.lake.publication import Clock, Intent, settle, utc_now
from calve.lake.published import Publication, from_row, newest, numbered
from calve.lake.records import Connection, Cursor
from calve.runs import Run
from calve.settings import Settings

logger = logging.getLogger(__name__)


def rollback(
    settings: Settings, conn: Connection, to_number: int, *, holder: Holder | None = None, clock: Clock = utc_now
) -> Publication:
    """Publish again what publication `to_number` published; when that is what is newest, change nothing.

    Tables that the pipeline got since keep their rows but belong to no publication any more, until its next run.

    Raises:
        IntervalError: There is no such publication.
        LeaseHeldError: A run of the pipeline is alive; nothing was changed.
        PublicationConflictError: A snapshot of it is gone: tags are kept for 35 days, and one a month.
    """
    target = numbered(conn, to_number)
    if target is None:
        msg = f"publication {to_number}: there is none; `calve history` lists those that exist"
        raise IntervalError(msg)
    now = newest(conn)[target.pipeline]
    if now.number == to_number or (now.kind == "rollback" and now.parent == to_number):
        return now
    key = f"{target.pipeline}!rollback-to-{to_number}-{uuid.uuid4().hex[:8]}"
    run = Run(target.pipeline, target.interval, target.scope, target.generation)
    with held(settings, target.pipeline, key, holder) as lease:
        intent = Intent(
            key=key,
            run=run,
            kind="rollback",
            epoch=lease.epoch,
            parent=lambda _: to_number,
            moves=lambda cursor: _moves(cursor, target),
            digest=lambda _: target.digest,
        )
        try:
            publication = settle(settings, conn, intent, clock)
        except StaleBaseError as error:
            msg = f"rollback to publication {to_number}: {error}"
            raise PublicationConflictError(msg) from error
    logger.warning("rolled back", extra={"publication": publication.number, "to": to_number})
    return publication


def _moves(cursor: Cursor, target: Publication) -> list[Move]:
    rows = cursor.execute(
        "select * from calve.publication where pipeline = %s order by number", (target.pipeline,)
    ).fetchall()
    at = {table.name: table.snapshot_id for row in rows for table in from_row(row).tables}
    return [
        Move(
            table.dataset,
            table.namespace,
            table.uuid,
            at[table.name],
            table.snapshot_id,
            table.row_count,
            must_descend=False,
        )
        for table in target.tables
    ]
