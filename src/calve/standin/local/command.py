"""`calve local`: the local engine on the command line. No logic of its own."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from calve.errors import EX_DATAERR
from calve.standin.local import engine
from calve.standin.local.state import State


def _state() -> State:
    return State(Path(os.environ.get("CALVE_STATE", ".calve")).resolve())


@click.group(name="local")
def local() -> None:
    """Run PostgreSQL, S3 and a Snowflake stand-in on this machine.

    Everything lives under one folder, .calve or CALVE_STATE. Ports are 5542 (PostgreSQL), 5543 (S3) and
    5544 (Snowflake stand-in); CALVE_LOCAL_PORT_POSTGRES, CALVE_LOCAL_PORT_S3 and CALVE_LOCAL_PORT_SNOWFLAKE
    move them. S3 keeps its objects in memory; with CALVE_S3_ENDPOINT, CALVE_S3_ACCESS_KEY_ID and
    CALVE_S3_SECRET_ACCESS_KEY a store of yours is used instead.
    """


@local.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def up(*, as_json: bool) -> None:
    """Start what is not running and wait until it answers; safe to repeat."""
    since = time.monotonic()
    found = engine.up(_state(), os.environ)
    _show(found, as_json=as_json)
    if not as_json:
        click.echo(f"up in {time.monotonic() - since:.1f} s; stop it with `calve local down`")


@local.command()
@click.option("--wipe", is_flag=True, help="Remove the data too: source, catalog, stand-in, passwords.")
def down(*, wipe: bool) -> None:
    """End what `up` started. S3 keeps objects in memory, so a lake in it ends here: then use --wipe."""
    ended = engine.down(_state(), wipe=wipe)
    click.echo(f"ended: {', '.join(ended) or 'nothing was running'}{'; data removed' if wipe else ''}")


@local.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(*, as_json: bool) -> None:
    """Show each part, and whether the lake is whole. Exits 65 when something is missing."""
    found = engine.status(_state())
    _show(found, as_json=as_json)
    sys.exit(0 if found.is_well else EX_DATAERR)


def _show(found: engine.EngineStatus, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**asdict(found), "is_well": found.is_well}, indent=2))
        return
    for part in found.parts:
        pid = f"pid {part.pid}" if part.pid else ""
        click.echo(f"{part.part:<10} {part.word:<8} {part.address:<24} {pid}".rstrip())
    click.echo(f"{'lake':<10} {found.lake}")
