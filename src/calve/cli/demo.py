"""`calve demo`: tell the story of four days with the ordinary commands, echoed as they run. No code path of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass

import click

from calve.errors import EX_DATAERR, EX_TEMPFAIL, JobFailedError
from calve.settings import load_settings

# The last effect before the audit of day 4's revenue: everything is staged, nothing is judged.
KILL_AT = "verdict.record:before@2"
FILL = "calve source fill --scale {scale}"


@dataclass(frozen=True)
class Step:
    """A command, and how it must end."""

    command: str
    ends: int = 0


STORY: tuple[tuple[str, tuple[Step, ...]], ...] = (
    (
        "A source, a lake and a warehouse on this machine",
        (Step("calve local up"), Step("calve validate"), Step(f"{FILL} --until 2026-02-05"), Step("calve doctor")),
    ),
    ("Day 1: 400 days of history are published and served", (Step("calve run --until 2026-02-05"),)),
    (
        "Day 2: orders, refunds of old orders, deletes, a renamed facility; only what changed is touched",
        (Step(f"{FILL} --until 2026-02-06"), Step("calve run --until 2026-02-06")),
    ),
    (
        "Day 3: defects; some negative prices fit the quarantine budget, 5 % orders without a facility don't",
        (
            Step(f"{FILL} --until 2026-02-07"),
            Step("calve source plant negative_price --day 2026-02-06"),
            Step("calve source plant null_facility_many --day 2026-02-06"),
            Step("calve run --until 2026-02-07", ends=EX_DATAERR),
            Step("calve status"),
        ),
    ),
    (
        "The source is fixed: the next generation lands anew; once more there is nothing to do",
        (
            Step("calve source repair"),
            Step("calve run --until 2026-02-07"),
            Step("calve run --until 2026-02-07"),
        ),
    ),
    (
        "Day 4: the Spark driver is killed in the middle; the same command finishes",
        (
            Step(f"{FILL} --until 2026-02-08"),
            Step("calve source plant currency_x100 --day 2026-02-07"),
            Step(f"CALVE_FAILPOINT={KILL_AT} calve run --until 2026-02-08", ends=EX_TEMPFAIL),
            Step("calve run --until 2026-02-08"),
        ),
    ),
    (
        "What became of it",
        (Step("calve ledger --rebuild revenue"), Step("calve history --fates"), Step("calve status")),
    ),
)


@click.command()
@click.option("--scale", envvar="SCALE", default="1", show_default=True, help="1 is about 200,000 order lines.")
def demo(scale: str) -> None:
    """Run the whole story on this machine: four days, a blocked one, a killed one, and the page.

    Begins with an empty local engine: what an earlier demo left under .calve is removed. The engine stays up
    afterwards, so that you can go on; `calve local down --wipe` ends it.
    """
    began = time.monotonic()
    _run(Step("calve local down --wipe"))
    for title, steps in STORY:
        click.secho(f"\n== {title}", bold=True)
        for step in steps:
            _run(Step(step.command.format(scale=scale), step.ends))
    click.echo(
        f"\nThe demo took {time.monotonic() - began:.0f} s. The page: {load_settings().report_dir / 'index.html'}"
    )


def _run(step: Step) -> None:
    click.secho(f"\n$ {step.command}", fg="cyan")
    sys.stdout.flush()
    began = time.monotonic()
    words = shlex.split(step.command)
    settings = dict(word.split("=", 1) for word in words if "=" in word.partition(" ")[0] and word[0].isupper())
    command = [sys.executable, "-m", "calve", *words[len(settings) + 1 :]]
    code = subprocess.run(command, env={**os.environ, **settings}, check=False).returncode  # noqa: S603
    click.secho(f"  exit {code}, {time.monotonic() - began:.1f} s", dim=True)
    if code != step.ends:
        msg = f"demo: `{step.command}` ended with {code}, expected {step.ends}; its message is above"
        raise JobFailedError(msg)
