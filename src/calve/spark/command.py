"""Command line of the Spark application: `main.py --digest D --run KEY=EPOCH …`.

Exit codes: 0 all passed and published, 65 blocked or wrong input, 75 a retry may help.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
import traceback

import click
from py4j.protocol import Py4JJavaError

from calve.contract.loader import load_project
from calve.errors import EX_DATAERR, EX_TEMPFAIL, CalveError, JobFailedError
from calve.lake.catalog import open_catalog
from calve.lake.records import connect
from calve.runs import Run
from calve.settings import Settings, load_settings
from calve.spark.application import Driver, Leased, perform
from calve.spark.session import start_session, stop_session


@click.command()
@click.option("--digest", required=True, help="Contract digest of the submitter.")
@click.option("--run", "runs", required=True, multiple=True, metavar="KEY=EPOCH", help="Run key and lease epoch.")
@click.option("--follow-stdin", is_flag=True, help="End when standard input closes: the submitter is gone.")
@click.option("--reprocess", is_flag=True, help="Compute every dataset anew from all accepted raw rows.")
@click.option("--reload", is_flag=True, help="Read the sources whole.")
def main(*, digest: str, runs: tuple[str, ...], follow_stdin: bool, reprocess: bool, reload: bool) -> None:
    """Extract, land, curate and audit runs, and publish those that pass."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if follow_stdin:
        threading.Thread(target=_end_with_submitter, daemon=True).start()
    try:
        code = _run(load_settings(), digest, [_leased(text) for text in runs], reprocess=reprocess, reload=reload)
    except CalveError as error:
        # On standard output: standard error goes to the driver's log.
        click.echo(f"calve: {error}")
        code = error.exit_code
    sys.stdout.flush()
    sys.exit(code)


def _leased(text: str) -> Leased:
    key, _, epoch = text.rpartition("=")
    return Leased(Run.parse(key), int(epoch))


def _end_with_submitter() -> None:
    """A driver that outlives its submitter would hold the source and write on branches that nobody reads."""
    # The bare descriptor: a thread inside a buffered read would hold its lock when the interpreter ends.
    while os.read(0, 1):
        pass
    os._exit(EX_TEMPFAIL)


def _run(settings: Settings, digest: str, leased: list[Leased], *, reprocess: bool, reload: bool) -> int:
    project = load_project(settings.project)
    began = time.monotonic()
    session = start_session(settings, "calve " + " ".join(each.run.key for each in leased))
    click.echo(f"spark    session up in {time.monotonic() - began:.1f} s")
    try:
        with connect(settings) as records:
            driver = Driver(
                session=session,
                settings=settings,
                records=records,
                catalog=open_catalog(settings),
                project=project,
                holder=f"{socket.gethostname()}:{os.getpid()}",
                tell=_tell,
                reprocess=reprocess,
                reload=reload,
            )
            verdicts = perform(driver, leased, digest=digest)
    except Py4JJavaError as error:
        raise _told(error) from error
    finally:
        stop_session(session)
    blocked = any(verdict.word == "blocked" for each in verdicts for verdict in each)
    return EX_DATAERR if blocked else 0


def _tell(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _told(error: Py4JJavaError) -> JobFailedError:
    """Name the deepest cause of a Java exception; its chain goes to the log."""
    logging.getLogger(__name__).error("spark job failed: %s", traceback.format_exc())
    causes = [line.strip() for line in str(error).splitlines() if line.strip().startswith("Caused by:")]
    cause = causes[-1].removeprefix("Caused by: ") if causes else str(error.java_exception)
    msg = f"spark: {cause.splitlines()[0]}; nothing was published. Run the same command again, or see the driver's log"
    return JobFailedError(msg)
