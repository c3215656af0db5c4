"""Bring pipelines up to date: plan, take the leases, submit one Spark application, expose what was published.

A run with nothing to do starts no Spark. Whatever happens on the way, the same command again goes on from what is
true in the lake and in Snowflake; before a publication a failure changes nothing that readers see.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from calve.contract.project import Project
from calve.contract.scopes import parts_of
from calve.effects import effect
from calve.errors import EX_DATAERR, CalveError, IntervalError, JobFailedError, UnfinishedError
from calve.lake.attempts import Mode, next_generation
from calve.lake.lease import Held, held
from calve.lake.ledger import is_covered, next_interval
from calve.lake.publication import find_publication
from calve.lake.records import Connection, connect, migrate
from calve.lake.verdicts import DatasetVerdict, verdicts_of
from calve.runs import ALL, Interval, Run
from calve.settings import Settings

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What a person or a schedule asks for.

    Attributes:
        pipelines: In any order; what they need is not added.
        interval: None means from where the ledger ends.
        until: End of the default interval; None means the last UTC midnight.
        scope: A part of the interval, e.g. `facility_id=7`, that is made again.
        mode: What is published already is made again as a new generation unless this is `changes`.
    """

    pipelines: tuple[str, ...]
    interval: Interval | None = None
    until: datetime | None = None
    scope: str = ALL
    mode: Mode = "changes"


@dataclass(frozen=True)
class Planned:
    """A run to be made, and how; one that died is taken up as what it was begun as."""

    run: Run
    mode: Mode


@dataclass(frozen=True)
class Outcome:
    """What a request came to: the runs it made, and their verdicts by run key."""

    runs: tuple[Run, ...]
    verdicts: dict[str, tuple[DatasetVerdict, ...]]

    @property
    def blocked(self) -> tuple[Run, ...]:
        """Return the runs whose audit blocked them."""
        return tuple(run for run in self.runs if any(v.word == "blocked" for v in self.verdicts.get(run.key, ())))


def plan(conn: Connection, project: Project, request: Request, now: datetime) -> tuple[Planned, ...]:
    """Say which runs the request means, in the order of what needs what; none when all is published.

    Raises:
        IntervalError: The interval is not over, or lies before the pipeline's start; or only a part is asked for
            of what was never published as a whole, or of what has no such parts.
    """
    runs = []
    for name in project.pipeline_order(request.pipelines):
        begin = date.fromisoformat(project.pipelines[name].start)
        interval = request.interval or next_interval(conn, name, begin, request.until or now)
        if interval is None:
            continue
        interval.must_be_over(now)
        if interval.since.date() < begin:
            msg = f"interval {interval}: begins before pipeline {name} does ({begin}); ask for a later one"
            raise IntervalError(msg)
        if request.scope != ALL:
            _must_have_parts(conn, project, name, interval, request.scope)
        generation = next_generation(conn, name, interval, request.scope, request.mode)
        run = Run(name, interval, request.scope, generation.number)
        if find_publication(conn, run.key) is None:
            runs.append(Planned(run, generation.mode))
    return tuple(runs)


def _must_have_parts(conn: Connection, project: Project, pipeline: str, interval: Interval, scope: str) -> None:
    parts_of(project, pipeline, scope)
    if not is_covered(conn, pipeline, interval):
        msg = (
            f"scope '{scope}': {pipeline} {interval} was not published as a whole, and a part can only be made again; "
            f"run it without --scope first"
        )
        raise IntervalError(msg)


def perform(settings: Settings, project: Project, request: Request, tell: Tell) -> Outcome:
    """Make the requested runs true in the lake.

    Raises:
        LeaseHeldError: Another run of one of the pipelines is alive; nothing was begun.
        JobFailedError: The application ended without a verdict for every run; the same command goes on.
    """
    with connect(settings) as conn:
        migrate(conn)
        planned = plan(conn, project, request, datetime.now(UTC))
        runs = tuple(each.run for each in planned)
        for each in runs:
            tell(f"run      {each.key}")
        if not runs:
            return Outcome((), {})
        with ExitStack() as stack:
            leases = [stack.enter_context(held(settings, each.pipeline, each.key)) for each in runs]
            code = submit(settings, project, list(zip(planned, leases, strict=True)))
        outcome = Outcome(runs, {each.key: verdicts_of(conn, each.key) for each in runs})
        # What the records say counts, not the exit code: green means published, for every run.
        undone = [each for each in runs if each not in outcome.blocked and find_publication(conn, each.key) is None]
    if undone:
        raise _ended(code, undone, settings)
    return outcome


def submit(settings: Settings, project: Project, leases: list[tuple[Planned, Held]]) -> int:
    """Run one Spark application for the runs and return its exit code; it ends when this process does."""
    script = settings.project / "spark_apps" / "main.py"
    command = [sys.executable, str(script), "--digest", project.digest, "--follow-stdin"]
    for each, lease in leases:
        command += ["--run", f"{each.run.key}={lease.epoch}={each.mode}"]
    log = driver_log(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stderr, effect("run.submit"):
        driver = subprocess.Popen(  # noqa: S603  # our own script
            command, stdin=subprocess.PIPE, stderr=stderr, env=_environment(settings)
        )
    try:
        return driver.wait()
    except BaseException:
        driver.terminate()
        driver.wait()
        raise


def driver_log(settings: Settings) -> Path:
    """Return where the newest application's log is."""
    return settings.state / "log" / "spark.log"


def _environment(settings: Settings) -> dict[str, str]:
    found = dict(os.environ)
    if settings.profile == "local":
        from calve.standin.local.jars import jar_paths
        from calve.standin.local.java import spark_environment

        found |= spark_environment()
        found["CALVE_SPARK_JARS"] = ",".join(map(str, jar_paths()))
    return found


def _ended(code: int, undone: list[Run], settings: Settings) -> CalveError:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    names = ", ".join(each.key for each in undone)
    what = f"the Spark application {how} and left {names} unpublished; readers see nothing of it"
    if code == EX_DATAERR:
        return UnfinishedError(f"{what}. Mend what its message above says, then run the same command again")
    return JobFailedError(f"{what}. Run the same command again; the log is {driver_log(settings)}")
