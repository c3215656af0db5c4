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
from datetime import UTC, datetime

from calve.contract.project import Project
from calve.effects import effect
from calve.errors import EX_DATAERR, CalveError, IntervalError, JobFailedError
from calve.lake.attempts import next_generation
from calve.lake.lease import Held, held
from calve.lake.ledger import coverage_end
from calve.lake.publication import newest
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
        reprocess: Make the interval again from raw, as a new generation.
    """

    pipelines: tuple[str, ...]
    interval: Interval | None = None
    until: datetime | None = None
    reprocess: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a request came to: the runs it made, and their verdicts by run key."""

    runs: tuple[Run, ...]
    verdicts: dict[str, tuple[DatasetVerdict, ...]]

    @property
    def blocked(self) -> tuple[Run, ...]:
        """Return the runs whose audit blocked them."""
        return tuple(run for run in self.runs if any(v.word == "blocked" for v in self.verdicts.get(run.key, ())))


def plan(conn: Connection, project: Project, request: Request, now: datetime) -> tuple[Run, ...]:
    """Say which runs the request means, in the order of what needs what; none when all is published.

    Raises:
        IntervalError: The interval is not over, or lies before the pipeline's start.
    """
    runs = []
    for name in project.pipeline_order(request.pipelines):
        interval = request.interval or _missing(conn, project, name, request.until or _midnight(now))
        if interval is None:
            continue
        interval.must_be_over(now)
        begin = _start(project, name)
        if interval.since < begin:
            msg = f"interval {interval}: begins before {name} does ({begin.date()}); ask for a later one"
            raise IntervalError(msg)
        generation = next_generation(conn, name, interval, ALL)
        run = Run(name, interval, ALL, generation)
        if request.interval is None or request.reprocess or not _is_published(conn, run):
            runs.append(run)
    return tuple(runs)


def _missing(conn: Connection, project: Project, pipeline: str, until: datetime) -> Interval | None:
    since = coverage_end(conn, pipeline) or _start(project, pipeline)
    return Interval(since, until) if since < until else None


def _start(project: Project, pipeline: str) -> datetime:
    return datetime.fromisoformat(project.pipelines[pipeline].start).replace(tzinfo=UTC)


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _is_published(conn: Connection, run: Run) -> bool:
    known = newest(conn).get(run.pipeline)
    return known is not None and known.run_key == run.key


def perform(settings: Settings, project: Project, request: Request, tell: Tell) -> Outcome:
    """Make the requested runs true in the lake.

    Raises:
        LeaseHeldError: Another run of one of the pipelines is alive; nothing was begun.
        JobFailedError: The application ended without a verdict for every run; the same command goes on.
    """
    with connect(settings) as conn:
        migrate(conn)
        runs = plan(conn, project, request, datetime.now(UTC))
        for each in runs:
            tell(f"run      {each.key}")
        if not runs:
            return Outcome((), {})
        with ExitStack() as stack:
            leases = [(each, stack.enter_context(held(settings, each.pipeline, each.key))) for each in runs]
            code = submit(settings, project, leases)
        verdicts = {each.key: verdicts_of(conn, each.key) for each in runs}
    if code not in (0, EX_DATAERR) or (code == EX_DATAERR and not any(verdicts.values())):
        raise _ended(code)
    return Outcome(runs, verdicts)


def submit(settings: Settings, project: Project, leases: list[tuple[Run, Held]]) -> int:
    """Run one Spark application for the runs and return its exit code; it ends when this process does."""
    script = settings.project / "spark_apps" / "main.py"
    command = [sys.executable, str(script), "--digest", project.digest, "--follow-stdin"]
    for each, lease in leases:
        command += ["--run", f"{each.key}={lease.epoch}"]
    with effect("run.submit"):
        driver = subprocess.Popen(command, stdin=subprocess.PIPE, env=_environment(settings))  # noqa: S603
    try:
        return driver.wait()
    except BaseException:
        driver.terminate()
        driver.wait()
        raise


def _environment(settings: Settings) -> dict[str, str]:
    found = dict(os.environ)
    if settings.profile == "local":
        from calve.standin.local.jars import jar_paths
        from calve.standin.local.java import spark_environment

        found |= spark_environment()
        found["CALVE_SPARK_JARS"] = ",".join(map(str, jar_paths()))
    return found


def _ended(code: int) -> CalveError:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    msg = f"the Spark application {how} before a verdict; nothing half done is visible. Run the same command again"
    if code == EX_DATAERR:
        return CalveError(msg.replace("Run the same command again", "Its message above says what to mend"))
    return JobFailedError(msg)
