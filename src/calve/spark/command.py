"""Command line of the Spark application: `main.py --digest D --run KEY=EPOCH=WAY …`.

The lease of a run is held by the submitter, who names its epoch, or taken here: `take` in its place. A submitter that
lets go once the application is accepted (Airflow on Kubernetes) can hold none.

Exit codes: 0 all passed and published, 65 blocked or wrong input, 75 a retry may help.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from contextlib import ExitStack

import click

from calve.contract.loader import load_project
from calve.errors import EX_DATAERR, EX_TEMPFAIL, CalveError, IntervalError
from calve.lake.attempts import Way
from calve.lake.catalog import open_catalog
from calve.lake.lease import held
from calve.lake.records import connect
from calve.runs import Run
from calve.settings import Settings, load_settings
from calve.spark.application import Driver, Leased, perform
from calve.spark.session import explained, start_session, stop_session

TAKE = "take"


@click.command()
@click.option("--digest", required=True, help="Contract digest of the submitter.")
@click.option(
    "--run",
    "runs",
    required=True,
    multiple=True,
    metavar="KEY=EPOCH=WAY",
    help="Run key, lease epoch or `take`, how it is made.",
)
@click.option("--follow-stdin", is_flag=True, help="End when standard input closes: the submitter is gone.")
def main(*, digest: str, runs: tuple[str, ...], follow_stdin: bool) -> None:
    """Extract, land, curate and audit runs, and publish those that pass."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if follow_stdin:
        threading.Thread(target=_end_with_submitter, daemon=True).start()
    try:
        settings = load_settings()
        with ExitStack() as leases:
            code = _run(settings, digest, [_leased(settings, text, leases) for text in runs])
    except CalveError as error:
        # On standard output: standard error goes to the driver's log.
        click.echo(f"calve: {error}")
        code = error.exit_code
    sys.stdout.flush()
    sys.exit(code)


def _leased(settings: Settings, text: str, leases: ExitStack) -> Leased:
    key, epoch, way = [*text.rsplit("=", 2), "", ""][:3]
    if not (epoch.isdecimal() or epoch == TAKE):
        msg = f"run key '{text}': expected KEY=EPOCH=WAY, and EPOCH a number or {TAKE}"
        raise IntervalError(msg)
    run, made = Run.parse(key), Way.parse(way)
    if epoch == TAKE:
        epoch = str(leases.enter_context(held(settings, run.pipeline, run.key)).epoch)
    return Leased(run, int(epoch), made)


def _end_with_submitter() -> None:
    """A driver that outlives its submitter would hold the source and write on branches that nobody reads."""
    # The bare descriptor: a thread inside a buffered read would hold its lock when the interpreter ends.
    while os.read(0, 1):
        pass
    os._exit(EX_TEMPFAIL)


def _run(settings: Settings, digest: str, leased: list[Leased]) -> int:
    project = load_project(settings.project)
    began = time.monotonic()
    session = start_session(settings, "calve " + " ".join(each.run.key for each in leased))
    click.echo(f"spark    session up in {time.monotonic() - began:.1f} s")
    try:
        with explained(), connect(settings) as records:
            driver = Driver(
                session=session,
                settings=settings,
                records=records,
                catalog=open_catalog(settings),
                project=project,
                holder=f"{socket.gethostname()}:{os.getpid()}",
                tell=_tell,
            )
            verdicts = perform(driver, leased, digest=digest)
    finally:
        stop_session(session)
    blocked = any(verdict.word == "blocked" for each in verdicts for verdict in each)
    return EX_DATAERR if blocked else 0


def _tell(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
