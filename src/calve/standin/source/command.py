"""`calve source`: fill the demo's operational database, plant defects in it, repair it.

Changes the source database only; nothing of the lake.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from calve.errors import SettingsError, SourceUnavailableError
from calve.standin.source.defects import DEFECTS
from calve.standin.source.fill import fill
from calve.standin.source.loading import Written
from calve.standin.source.plant import plant, repair
from calve.standin.source.schema import create_schema

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group(name="source")
def source() -> None:
    """The generated operational database: fill it up to a day, plant defects, repair them.

    Connects to CALVE_SOURCE_ADMIN_URL, else to the database that `calve local up` started.
    """


@source.command(name="fill")
@click.option("--until", type=_DAY, required=True, help="First day that is not filled; it ends at 00:00 UTC.")
@click.option("--seed", default=7, show_default=True, help="Another seed, other rows.")
@click.option("--scale", default=1.0, show_default=True, help="1 is about 500 order lines a day.")
def fill_command(until: datetime, seed: int, scale: float) -> None:
    """Bring the source to its state at the beginning of a day, from wherever it is before it."""
    with _connected() as conn:
        create_schema(conn)
        summary = fill(conn, until=until.date(), seed=seed, scale=scale)
    since = f"from {summary.since} " if summary.since else ""
    click.echo(f"source: filled {since}until {summary.until}")
    _show(summary.tables)


@source.command(name="plant")
@click.argument("defect")
@click.option("--day", type=_DAY, required=True, help="The newest filled day.")
def plant_command(defect: str, day: datetime) -> None:
    """Plant a DEFECT on the rows of a day; `calve source defects` lists them."""
    with _connected() as conn:
        summary = plant(conn, defect, day=day.date())
    rows = ", ".join(f"{table} {count:,}" for table, count in summary.rows.items() if count)
    click.echo(f"source: planted {defect} on {summary.day} ({rows or 'no rows'}); expected: {summary.expected}")


@source.command(name="repair")
def repair_command() -> None:
    """Undo every planted defect; rows that this corrects say that they changed at the end of the newest day."""
    with _connected() as conn:
        summary = repair(conn)
    click.echo(f"source: repaired {', '.join(summary.repaired) or 'nothing, no defect is planted'}")


@source.command(name="defects")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def defects_command(as_json: bool) -> None:
    """List the defects that can be planted, each with the verdict that it must get."""
    if as_json:
        listed = [{"defect": d.name, "expected": d.expected, "doc": d.doc} for d in DEFECTS.values()]
        click.echo(json.dumps(listed, indent=2))
        return
    for defect in DEFECTS.values():
        click.echo(f"{defect.name:26} {defect.expected:12} {defect.doc}")


def _show(tables: dict[str, Written]) -> None:
    for table, rows in tables.items():
        if rows != Written():
            counts = f"{rows.inserted:>9,} new {rows.updated:>7,} changed {rows.deleted:>5,} deleted"
            click.echo(f"  {table:18} {counts}")


@contextmanager
def _connected() -> Iterator[Connection[TupleRow]]:
    try:
        with psycopg.connect(_admin_url(), autocommit=True, connect_timeout=10) as conn:
            yield conn
    except psycopg.OperationalError as error:
        msg = f"source: no connection to the database as its owner ({str(error).strip()}); see `calve local status`"
        raise SourceUnavailableError(msg) from error


def _admin_url() -> str:
    if given := os.environ.get("CALVE_SOURCE_ADMIN_URL"):
        return given
    stored = Path(os.environ.get("CALVE_STATE", ".calve")) / "settings.json"
    url = json.loads(stored.read_text()).get("source_admin_url") if stored.exists() else None
    if not isinstance(url, str):
        msg = (
            f"source: the owner's address is neither in CALVE_SOURCE_ADMIN_URL nor in {stored};"
            " start the local engine with `calve local up`, or set the variable"
        )
        raise SettingsError(msg)
    return url
