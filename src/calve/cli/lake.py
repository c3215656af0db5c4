"""The commands that change the lake and what Snowflake serves. Each reads the settings once and hands them on."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from calve.alerts.kept import forget
from calve.cli import shown
from calve.cli.asking import made_again, request
from calve.cli.look import records
from calve.contract.project import Project
from calve.errors import EX_DATAERR, JobFailedError, UnfinishedError
from calve.lake.lease import held
from calve.lake.maintenance import maintain as remove_old
from calve.lake.publication import newest
from calve.lake.publication import publish as publish_run
from calve.lake.records import Connection
from calve.lake.rollback import rollback as roll_back
from calve.running import perform
from calve.runs import Run
from calve.settings import Settings, load_settings


@click.command()
@click.argument("pipelines", nargs=-1)
@click.option("--interval", metavar="DAY[/DAY]", help="Which interval, e.g. 2026-01-02 or 2026-01-01/2026-01-05.")
@click.option("--until", metavar="DAY", help="Everything that is missing up to this UTC date, excluded.")
@made_again
def run(pipelines: tuple[str, ...], **asked: Any) -> None:
    """Bring pipelines up to date: land, curate, audit, publish, expose, report.

    Without PIPELINES, all of them; without an interval, what the ledger misses up to the last UTC midnight. One
    Spark application does the work; when there is nothing to do, none is started. The same command again goes on
    where an earlier one was stopped, and never doubles a row.

    A run of a scope, e.g. `--scope facility_id=7`, lands and computes only what belongs to it; it is audited,
    published and served like any other, and changes nothing of what the ledger says is covered. A reprocess of some
    `--datasets` lands nothing, and leaves the other datasets as they are.

    Exit codes: 0 published and served, 65 blocked by the audit or wrong input, 75 a retry may help.
    """
    with records() as (settings, project, conn):
        try:
            outcome = perform(settings, project, request(pipelines, **asked), click.echo)
        except (JobFailedError, UnfinishedError):
            # What other pipelines published on the way is served all the same.
            _serve(settings, conn, project)
            raise
        for each in outcome.runs:
            found = outcome.verdicts[each.key]
            click.echo("")
            click.echo(shown.fates(found))
            click.echo(shown.touched(found))
            if each in outcome.blocked:
                click.echo(shown.blocked(each, found), err=True)
            elif text := shown.verdict(each, found, everything=False):
                click.echo(text)
        if not outcome.runs:
            click.echo("nothing to do: everything asked for is published")
        _serve(settings, conn, project)
    sys.exit(EX_DATAERR if outcome.blocked else 0)


def _serve(settings: Settings, conn: Connection, project: Project) -> None:
    from calve.report.page import write_page
    from calve.warehouse.expose import expose as serve

    if not newest(conn):
        return
    exposure = serve(settings, conn, project)
    numbers = ", ".join(f"{name} {number}" for name, number in sorted(exposure.publications.items()))
    click.echo(f"expose   Snowflake {'now serves' if exposure.changed else 'serves'} publications {numbers}")
    page = settings.report_dir / "index.html"
    if exposure.changed or exposure.views or not page.exists():
        click.echo(f"page     {write_page(settings, page)}")


@click.command()
@click.argument("run_key")
def publish(run_key: str) -> None:
    """Publish a run whose audit has passed; one that is published already stays as it is."""
    with records() as (settings, _, conn):
        found = Run.parse(run_key)
        with held(settings, found.pipeline, found.key) as lease:
            publication = publish_run(settings, conn, found, lease.epoch)
        click.echo(f"publication {publication.number} of {found.key}")


@click.command()
@click.argument("number", type=int)
def rollback(number: int) -> None:
    """Go back to publication NUMBER, in the lake and in Snowflake, as a new publication.

    The next run lands again what the rollback withdrew. Runs of the other pipelines are not touched.
    """
    with records() as (settings, project, conn):
        publication = roll_back(settings, conn, number)
        click.echo(f"publication {publication.number} shows what {number} showed")
        _serve(settings, conn, project)


@click.command()
def expose() -> None:
    """Make Snowflake serve the newest publications of all pipelines, in one swap; nothing to do when it does."""
    with records() as (settings, project, conn):
        _serve(settings, conn, project)


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
def report(out: Path | None) -> None:
    """Write the page, one offline HTML file, from what Snowflake serves."""
    from calve.report.page import write_page

    settings = load_settings()
    click.echo(write_page(settings, out or settings.report_dir / "index.html"))


@click.command()
def maintain() -> None:
    """Remove what retention lets go: branches of ended runs, old tags and snapshots, orphaned files, closed alerts.

    Never removes what a publication within its retention, a live run or either Snowflake schema needs. Alerts stay
    for 400 days after they closed; one that is open or waits for a route stays.
    """
    with records() as (settings, _, conn):
        done = {**asdict(remove_old(settings, conn)), "alerts": forget(conn)}
        click.echo(", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in done.items()))
