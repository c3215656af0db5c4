"""A day in the life of a lake, that passes every effect of `calve.lake` and can be told again after any death."""

from __future__ import annotations

import os
from datetime import timedelta

from small_lake import Lake, day

from calve.lake import exposures
from calve.lake.catalog import open_catalog
from calve.lake.lease import held, renew
from calve.lake.ledger import rebuild
from calve.lake.maintenance import maintain
from calve.lake.publication import find_publication, newest, publish
from calve.lake.records import Connection, connect, migrate, query
from calve.lake.rollback import rollback
from calve.lake.verdicts import verdicts_of, void_verdicts
from calve.settings import Settings

DATASETS = ("a",)


def die_at(point: str, settings: Settings, number: int) -> None:
    """Tell the story in a process that kills itself at a failpoint."""
    os.environ["CALVE_FAILPOINT"] = point
    tell(settings, number, voiding=point.startswith("verdict.void"))


def tell(settings: Settings, number: int, *, voiding: bool = False) -> None:
    """Publish day `number`, expose it, swap back, roll back to publication 1, clean up.

    What is true already is not done again.
    """
    with connect(settings) as conn:
        migrate(conn)
        lake = Lake(settings, conn, open_catalog(settings), DATASETS)
        run = day(number)
        if find_publication(conn, run.key) is None:
            _publish(lake, number, voiding=voiding)
        published = find_publication(conn, run.key)
        shown = [each for each in exposures.served_exposures(conn) if published.number in each.numbers]
        if not any(each.state in ("live", "idle") for each in shown):
            exposures.end_exposure(conn, exposures.begin_exposure(conn, [published.number]).epoch)
        served = {each.state: each.epoch for each in exposures.served_exposures(conn)}
        if "idle" in served and served["live"] > served["idle"]:
            exposures.swap_exposures(conn)
        if newest(conn)["revenue"].kind == "run":
            rollback(settings, conn, 1)
        with held(settings, "revenue", "maintenance"):
            pass
        maintain(settings, conn, files=timedelta(0))
        rebuild(conn)


def _publish(lake: Lake, number: int, *, voiding: bool) -> None:
    run = day(number)
    with held(lake.settings, "revenue", run.key) as lease:
        renew(lake.conn, lease.lease, 60)
        lake.land(run)
        if not verdicts_of(lake.conn, run.key):
            lake.stage(run, lease.lease)
        if voiding and not _was_voided(lake.conn, run.key):
            void_verdicts(lake.conn, run.key, "to pass this effect too", epoch=lease.epoch)
            lake.stage(run, lease.lease)
        publish(lake.settings, lake.conn, run, lease.epoch)


def _was_voided(conn: Connection, run_key: str) -> bool:
    return bool(query(conn, "select 1 from calve.verdict where run_key = %s and voided_at is not null", (run_key,)))
