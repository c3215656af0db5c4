"""The commands that work on the lake and on what Snowflake serves. Each reads the settings once and hands them on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from calve.cli import shown
from calve.contract.loader import load_project
from calve.contract.project import Project
from calve.errors import EX_DATAERR, IntervalError, JobFailedError, UnfinishedError
from calve.lake import ledger as ledgers
from calve.lake.attempts import runs as runs_of
from calve.lake.lease import held, holders
from calve.lake.maintenance import maintain as remove_old
from calve.lake.publication import history as publications
from calve.lake.publication import newest
from calve.lake.publication import publish as publish_run
from calve.lake.records import Connection, connect, migrate
from calve.lake.rollback import rollback as roll_back
from calve.lake.verdicts import verdicts_of
from calve.running import Request, perform
from calve.runs import ALL, Interval, Run
from calve.settings import Settings, load_settings

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@contextmanager
def _records() -> Iterator[tuple[Settings, Project, Connection]]:
    settings = load_settings()
    _must_be_whole(settings)
    project = load_project(settings.project)
    with connect(settings) as conn:
        migrate(conn)
        yield settings, project, conn


def _must_be_whole(settings: Settings) -> None:
    if settings.profile == "local":
        from calve.standin.local.consistency import check_local_state

        check_local_state(settings)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))


@click.command()
@click.argument("pipelines", nargs=-1)
@click.option("--interval", metavar="DAY[/DAY]", help="Which interval, e.g. 2026-01-02 or 2026-01-01/2026-01-05.")
@click.option("--until", metavar="DAY", help="Everything that is missing up to this UTC date, excluded.")
@click.option("--scope", metavar="COLUMN=VALUE", help="Make only this part of a published interval again.")
@click.option("--reprocess", is_flag=True, help="Make a published interval again, from raw, as a new generation.")
@click.option("--reload", is_flag=True, help="The same, after reading the sources whole: what changed unnoticed lands.")
def run(pipelines: tuple[str, ...], **asked: Any) -> None:
    """Bring pipelines up to date: land, curate, audit, publish, expose, report.

    Without PIPELINES, all of them; without an interval, what the ledger misses up to the last UTC midnight. One
    Spark application does the work; when there is nothing to do, none is started. The same command again goes on
    where an earlier one was stopped, and never doubles a row.

    A run of a scope, e.g. `--scope facility_id=7`, lands and computes only what belongs to it; it is audited,
    published and served like any other, and changes nothing of what the ledger says is covered.

    Exit codes: 0 published and served, 65 blocked by the audit or wrong input, 75 a retry may help.
    """
    with _records() as (settings, project, conn):
        try:
            outcome = perform(settings, project, _request(pipelines, **asked), click.echo)
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


def _request(
    pipelines: tuple[str, ...],
    *,
    interval: str | None,
    until: str | None,
    scope: str | None,
    reprocess: bool,
    reload: bool,
) -> Request:
    if interval and until:
        msg = "run: both --interval and --until are given; give one of them"
        raise IntervalError(msg)
    if reprocess and (reload or scope):
        msg = f"run: --reprocess computes everything, --{'reload' if reload else 'scope'} a part; give one of them"
        raise IntervalError(msg)
    again = [f"--{name}" for name, asked in (("scope", scope), ("reprocess", reprocess), ("reload", reload)) if asked]
    if again and not interval:
        msg = f"run: {again[0]} needs to know what; add --interval"
        raise IntervalError(msg)
    return Request(
        pipelines=pipelines,
        interval=Interval.parse(interval) if interval else None,
        until=Interval.parse_day(until) if until else None,
        scope=scope or ALL,
        mode="reprocess" if reprocess else "reload" if reload else "changes",
    )


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
@_json
def status(*, as_json: bool) -> None:
    """Show what is published, served, running and overdue, per pipeline."""
    with _records() as (settings, project, conn):
        now, live, current = datetime.now(UTC), newest(conn), holders(conn)
        rows = []
        for name in project.pipeline_order():
            publication = live.get(name)
            last = next(iter(runs_of(conn, name, limit=1)), None)
            end = ledgers.coverage_end(conn, name)
            start = _start(project, name)
            verified = [
                ledgers.verified_through(conn, each.dataset, start, compared=each.control_total is not None)
                for each in project.contracts_of(name)
            ]
            rows.append(
                {
                    "pipeline": name,
                    "publication": publication.number if publication else None,
                    "covered_until": end.date() if end else None,
                    "verified_through": ledgers.earliest(verified),
                    "last_run": last.run.key if last else None,
                    "last_word": (last.word or "no verdict") if last else None,
                    "running": f"{current[name].run_key} on {current[name].holder}" if name in current else None,
                    "behind_days": (now - end).days if end else None,
                }
            )
        if as_json:
            _print_json({"pipelines": rows, "warehouse": settings.warehouse})
            return
        head = ("pipeline", "publication", "covered until", "verified through", "last run", "verdict", "running now")
        keys = list(rows[0])[: len(head)]
        click.echo(shown.columns([["-" if row[k] is None else row[k] for k in keys] for row in rows], head))


def _start(project: Project, pipeline: str) -> Any:
    return datetime.fromisoformat(project.pipelines[pipeline].start).date()


@click.command()
@click.argument("pipeline", required=False)
@click.option("--limit", default=20, show_default=True, help="How many publications.")
@_json
def history(pipeline: str | None, limit: int, *, as_json: bool) -> None:
    """List publications, newest first, and the runs that came to nothing."""
    with _records() as (_, project, conn):
        found = publications(conn, pipeline, limit)
        names = project.pipeline_order([pipeline] if pipeline else [])
        states = [state for name in names for state in runs_of(conn, name, limit=limit)]
        unpublished = [state for state in states if state.publication is None]
        if as_json:
            unpub = [{"run_key": s.run.key, "word": s.word, "attempts": len(s.attempts)} for s in unpublished]
            _print_json({"publications": [asdict(p) for p in found], "unpublished": unpub})
            return
        click.echo(shown.publications(found))
        if unpublished:
            rows = [(s.run.key, s.word or "no verdict", len(s.attempts)) for s in unpublished]
            click.echo("\n" + shown.columns(rows, ("not published", "verdict", "attempts")))


@click.command()
@click.argument("pipeline", required=False)
@click.option("--rebuild", is_flag=True, help="Make it again from the publication records, and say what differed.")
@_json
def ledger(pipeline: str | None, *, rebuild: bool, as_json: bool) -> None:
    """Show which interval of which dataset is present, from which publication."""
    with _records() as (_, _, conn):
        if rebuild:
            difference = ledgers.rebuild(conn)
            lacking, surplus = len(difference.missing), len(difference.surplus)
            click.echo(f"rebuilt: {lacking} segments were missing, {surplus} were too many", err=as_json)
        found = ledgers.ledger(conn, pipeline)
        if as_json:
            _print_json([asdict(each) for each in found])
            return
        rows = [(s.dataset, s.since.date(), s.until.date(), s.publication) for s in found]
        click.echo(shown.columns(rows, ("dataset", "since", "until", "publication")))


@click.group()
def audit() -> None:
    """Look at what the audit found."""


@audit.command()
@click.argument("run_key")
@_json
def show(run_key: str, *, as_json: bool) -> None:
    """Explain a verdict: every rule, what it checked, what broke it, and some keys.

    RUN_KEY as `calve history` shows it, e.g. 'revenue@2026-01-02#0'; without `#…`, the newest generation.
    """
    with _records() as (_, _, conn):
        found = Run.parse(run_key if "#" in run_key else f"{run_key}#0")
        if "#" not in run_key:
            same = (s.run for s in runs_of(conn, found.pipeline, limit=1000) if s.run.interval == found.interval)
            found = max(same, key=lambda each: each.generation, default=found)
        verdicts = verdicts_of(conn, found.key)
        if not verdicts:
            msg = f"run {found.key}: has no verdict; `calve history` lists the runs that there are"
            raise IntervalError(msg)
        if as_json:
            _print_json([asdict(each) for each in verdicts])
            return
        click.echo(shown.verdict(found, verdicts, everything=True))


@click.command()
@click.argument("run_key")
def publish(run_key: str) -> None:
    """Publish a run whose audit has passed; one that is published already stays as it is."""
    with _records() as (settings, _, conn):
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
    with _records() as (settings, project, conn):
        publication = roll_back(settings, conn, number)
        click.echo(f"publication {publication.number} shows what {number} showed")
        _serve(settings, conn, project)


@click.command()
def expose() -> None:
    """Make Snowflake serve the newest publications of all pipelines, in one swap; nothing to do when it does."""
    with _records() as (settings, project, conn):
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
    """Remove what retention lets go: branches of ended runs, old tags and snapshots, orphaned files.

    Never removes what a publication within its retention, a live run or either Snowflake schema needs.
    """
    with _records() as (settings, _, conn):
        done = asdict(remove_old(settings, conn))
        click.echo(", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in done.items()))
