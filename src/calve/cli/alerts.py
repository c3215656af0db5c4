"""`calve alerts list | deliver | close | test`: what is open, what waits for a route, whether a route works."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from calve.alerts.delivery import deliver, try_route
from calve.alerts.kept import close, open_alerts
from calve.alerts.outbox import pending
from calve.alerts.pipelines import read_pipelines
from calve.alerts.routes import read_routes
from calve.alerts.watch import watch
from calve.cli.shown import columns
from calve.contract.mistakes import report
from calve.errors import EX_TEMPFAIL, ContractError
from calve.lake.records import Connection, connect, migrate
from calve.settings import load_records_settings


@contextmanager
def _records() -> Iterator[tuple[Path, Connection]]:
    settings = load_records_settings()
    with connect(settings) as conn:
        migrate(conn)
        yield settings.project, conn


@click.group()
def alerts() -> None:
    """Look at alerts, deliver them, try a route.

    iceberg/alerts.yaml says which alert goes where; docs/alerts.md what each means.
    """


@alerts.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def list_alerts(*, as_json: bool) -> None:
    """List the alerts that are open, and the messages that wait for a route."""
    with _records() as (_, conn):
        kept, waiting = open_alerts(conn), pending(conn)
    if as_json:
        found = {
            "alerts": [
                {
                    "number": each.number,
                    "key": each.key,
                    "kind": each.alert.kind,
                    "severity": each.alert.weight,
                    "pipeline": each.alert.pipeline,
                    "interval": str(each.alert.interval),
                    "run_key": each.alert.run_key,
                    "owners": each.alert.owners,
                    "title": each.alert.title,
                    "cause": each.alert.cause,
                    "commands": each.alert.commands,
                    "times": each.times,
                    "raised_at": each.raised_at,
                    "recovered_at": each.recovered_at,
                }
                for each in kept
            ],
            "pending": [vars(each) for each in waiting],
        }
        click.echo(json.dumps(found, indent=2, default=str))
        return
    if not kept and not waiting:
        click.echo("no alert is open")
    if kept:
        rows = [(k.number, k.alert.weight, k.alert.kind, f"{k.raised_at:%Y-%m-%d %H:%M}", k.alert.title) for k in kept]
        click.echo(columns(rows, ("no.", "severity", "kind", "since (UTC)", "what")))
    if waiting:
        lines = [(p.alert, p.route, p.event, p.attempts, p.last_error or "not tried yet") for p in waiting]
        click.echo(("\n" if kept else "") + columns(lines, ("no.", "route", "message", "attempts", "last answer")))


@alerts.command("deliver")
@click.pass_context
def deliver_alerts(ctx: click.Context) -> None:
    """Look for overdue pipelines and for what is over, then send what is due.

    Meant for a schedule, every few minutes; any number may run at once. Ends with 75 when a route did not take a
    message: it is kept, and sent by a later call.
    """
    with _records() as (folder, conn):
        # A contract that is wrong keeps no alert from leaving.
        project, mistakes = read_pipelines(folder)
        routes = read_routes(folder)
        recovered, new = watch(conn, project, datetime.now(UTC), routes)
        result = deliver(conn, routes, os.environ)
    click.echo(f"{new} new, {recovered} over, {result.sent} messages sent")
    for route, error in sorted(result.failed.items()):
        click.echo(f"route {route}: {error}", err=True)
    if result.failed:
        ctx.exit(EX_TEMPFAIL)
    if mistakes:
        raise ContractError(report(mistakes))


@alerts.command("close")
@click.argument("number", type=int)
@click.option("--reason", default="a person closed it", show_default=True, help="Told with the recovery.")
def close_alert(number: int, reason: str) -> None:
    """Close the alert NUMBER of `calve alerts list` by hand; `calve alerts deliver` tells its routes.

    Nearly all close by themselves. A cause that is seen again opens it again.
    """
    with _records() as (_, conn):
        is_closed = close(conn, number, reason)
    click.echo(f"alert {number}: {'closed' if is_closed else 'was not open'}")


@alerts.command()
@click.argument("route")
@click.pass_context
def test(ctx: click.Context, route: str) -> None:
    """Send one test message by ROUTE, a name of iceberg/alerts.yaml; an incident is resolved at once."""
    settings = load_records_settings()
    found = read_routes(settings.project).named(route)
    refusal = try_route(found, os.environ, datetime.now(UTC))
    if refusal is not None:
        click.echo(f"route {route}: {refusal.error}", err=True)
        ctx.exit(EX_TEMPFAIL)
    click.echo(f"route {route}: took the message; look whether it arrived")
