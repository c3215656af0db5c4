"""Bring pipelines up to date here: plan, take the leases, submit one Spark application, expose what was published.

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
from pathlib import Path

from calve.contract.project import Project
from calve.effects import effect
from calve.errors import EX_DATAERR, CalveError, JobFailedError, UnfinishedError
from calve.lake.lease import Held, held
from calve.lake.published import find_publication
from calve.lake.records import connect, migrate
from calve.lake.verdicts import DatasetVerdict, verdicts_of
from calve.planning import Planned, Request, plan
from calve.runs import Run
from calve.settings import Settings

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What a request came to: the runs it made, and their verdicts by run key."""

    runs: tuple[Run, ...]
    verdicts: dict[str, tuple[DatasetVerdict, ...]]

    @property
    def blocked(self) -> tuple[Run, ...]:
        """Return the runs whose audit blocked them."""
        return tuple(run for run in self.runs if any(v.word == "blocked" for v in self.verdicts.get(run.key, ())))


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
        command += ["--run", f"{each.run.key}={lease.epoch}={each.way}"]
    log = driver_log(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stderr, effect("run.submit"):
        driver = subprocess.Popen(  # noqa: S603  # our own script
            command, stdin=subprocess.PIPE, stderr=stderr, env=driver_environment(settings)
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


def driver_environment(settings: Settings) -> dict[str, str]:
    """Return the variables of a driver on this machine; the profile `local` adds where Spark and its jars are."""
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
