"""Say which runs a request means. Light: what submits an application elsewhere plans without Spark and PyIceberg.

Reads the records, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from calve.contract.project import Project
from calve.contract.scopes import parts_of
from calve.errors import IntervalError
from calve.lake.attempts import Mode, next_generation
from calve.lake.ledger import is_covered, next_interval
from calve.lake.published import find_publication
from calve.lake.records import Connection
from calve.runs import ALL, Interval, Run


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
