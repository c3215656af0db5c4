"""A publication of all datasets of `revenue`, with all its sources landed."""

from __future__ import annotations

from pathlib import Path

from driving import Records
from psycopg.types.json import Jsonb

from calve.contract.loader import load_project
from calve.lake.landings import Landing, record_landings
from calve.lake.ledger import rebuild
from calve.runs import Run

PROJECT = load_project(Path(__file__).parents[2])


def publish_whole(records: Records, run: Run) -> None:
    """Publish a run as a driver would have, all datasets staged."""
    until = run.interval.until
    names = [source.source for source in PROJECT.sources_of(run.pipeline)]
    record_landings(
        records.conn, [Landing(run.key, n, f"l {n}", 1, until, None, until, until, 1, {}, 1) for n in names]
    )
    number = records.publish(run)
    row = records.conn.execute("select tables from calve.publication where number = %s", (number,)).fetchone()
    datasets = [contract.dataset for contract in PROJECT.contracts_of(run.pipeline)]
    tables = [{**row["tables"][0], "dataset": dataset} for dataset in datasets]
    records.conn.execute("update calve.publication set tables = %s where number = %s", (Jsonb(tables), number))
    rebuild(records.conn)
