"""The commands that only look: what is published, what ran, what the audit found. They change no row of anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from calve.cli import shown
from calve.contract.loader import load_project
from calve.contract.project import Project
from calve.errors import IntervalError
from calve.lake import ledger as ledgers
from calve.lake.attempts import runs as runs_of
from calve.lake.attempts import ways_of
from calve.lake.lease import holders
from calve.lake.published import history as publications
from calve.lake.published import newest
from calve.lake.records import Connection, connect, migrate
from calve.lake.verdicts import verdicts_of
from calve.runs import Run
from calve.settings import Settings, load_settings

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@contextmanager
def records() -> Iterator[tuple[Settings, Project, Connection]]:
    """Read settings and contracts once, connect to the records and bring their schema up to date."""
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
@_json
def status(*, as_json: bool) -> None:
    """Show what is published, served, running and overdue, per pipeline."""
    with records() as (settings, project, conn):
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
@click.option("--limit", default=20, show_default=True, help="How many publications, and how many runs a pipeline.")
@click.option("--fates", is_flag=True, help="Also say of every run its verdict and what became of each landed row.")
@_json
def history(pipeline: str | None, limit: int, *, fates: bool, as_json: bool) -> None:
    """List publications, newest first, and the runs that came to nothing; the last column says how each was made.

    With `--fates`, also each run's verdict, and for each source how many rows landed and what became of them; the
    counts of a line add up. Runs of a rollback land nothing and are not among them.
    """
    with records() as (_, project, conn):
        found = publications(conn, pipeline, limit)
        names = project.pipeline_order([pipeline] if pipeline else [])
        states = [state for name in names for state in runs_of(conn, name, limit=limit)]
        unpublished = [state for state in states if state.publication is None]
        ways = ways_of(conn, [*(each.run_key for each in found), *(state.run.key for state in unpublished)])
        lines = [(s.run.key, s.word, len(s.attempts), shown.way(ways, s.run.key)) for s in unpublished]
        verdicts = [(state, verdicts_of(conn, state.run.key)) for state in states] if fates else []
        if as_json:
            listed: dict[str, Any] = {
                "publications": [{**asdict(p), "way": shown.way(ways, p.run_key)} for p in found],
                "unpublished": [dict(zip(("run_key", "word", "attempts", "way"), line, strict=True)) for line in lines],
            }
            if fates:
                listed["fates"] = {
                    s.run.key: {name: n for v in vs for name, n in v.fates.items()} for s, vs in verdicts
                }
            _print_json(listed)
            return
        click.echo(shown.publications(found, ways))
        if lines:
            rows = [(key, word or "no verdict", attempts, way) for key, word, attempts, way in lines]
            click.echo("\n" + shown.columns(rows, ("not published", "verdict", "attempts", "made by")))
        if verdicts:
            click.echo("\n" + shown.fates_of_runs(verdicts))


@click.command()
@click.argument("pipeline", required=False)
@click.option("--rebuild", is_flag=True, help="Make it again from the publication records, and say what differed.")
@_json
def ledger(pipeline: str | None, *, rebuild: bool, as_json: bool) -> None:
    """Show which interval of which dataset is present, from which publication."""
    with records() as (_, _, conn):
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
    with records() as (_, _, conn):
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
