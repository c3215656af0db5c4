"""Say which runs a request means. Light: what submits an application elsewhere plans without Spark and PyIceberg.

Reads the records, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from calve.contract.mistakes import hint, listed
from calve.contract.project import Project
from calve.contract.scopes import parts_of
from calve.errors import IntervalError
from calve.lake.attempts import Mode, Way, next_generation
from calve.lake.landings import accepted_landings
from calve.lake.ledger import is_covered, ledger, next_interval
from calve.lake.published import find_publication, newest, numbered
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
        datasets: Of a reprocess of one pipeline: only these are computed anew; empty for all of it.
        missing_only: What publications of other intervals cover as a whole is not made again.
    """

    pipelines: tuple[str, ...]
    interval: Interval | None = None
    until: datetime | None = None
    scope: str = ALL
    mode: Mode = "changes"
    datasets: tuple[str, ...] = ()
    missing_only: bool = False

    @property
    def way(self) -> Way:
        """Return how the runs are to be made; the order in which datasets are asked for means nothing."""
        return Way(self.mode, tuple(sorted(set(self.datasets))))


@dataclass(frozen=True)
class Planned:
    """A run to be made, and how; one that died is taken up as what it was begun as."""

    run: Run
    way: Way


def plan(conn: Connection, project: Project, request: Request, now: datetime) -> tuple[Planned, ...]:
    """Say which runs the request means, in the order of what needs what; none when all is published.

    Raises:
        IntervalError: The interval is not over, or lies before the pipeline's start; or only a part is asked for
            of what was never published as a whole, or of what has no such parts; or datasets are asked for that
            the pipeline has not, or otherwise than reprocessed.
    """
    if request.datasets:
        _must_be_datasets(project, request)
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
        if request.missing_only and published_as(conn, project, name, interval):
            continue
        if request.scope != ALL:
            _must_have_parts(conn, project, name, interval, request.scope)
        planned = _planned(conn, project, request, name, interval)
        if find_publication(conn, planned.run.key) is None:
            runs.append(planned)
    return tuple(runs)


def published_as(conn: Connection, project: Project, pipeline: str, interval: Interval) -> tuple[str, ...]:
    """Return the run keys of the publications from which an interval of all datasets is; none when one has a gap."""
    segments = ledger(conn, pipeline)
    known = {segment.dataset for segment in segments}
    if not is_covered(conn, pipeline, interval) or any(c.dataset not in known for c in project.contracts_of(pipeline)):
        return ()
    inside = {each.publication for each in segments if each.since < interval.until and interval.since < each.until}
    return tuple(found.run_key for number in sorted(inside) if (found := numbered(conn, number)) is not None)


def _planned(conn: Connection, project: Project, request: Request, pipeline: str, interval: Interval) -> Planned:
    """Return the run of an interval; one of chosen datasets that died is not taken up when it lost its ground."""
    generation = next_generation(conn, pipeline, interval, request.scope, request.way)
    run = Run(pipeline, interval, request.scope, generation.number)
    if generation.way.datasets and find_publication(conn, run.key) is None:
        lacking = _lacking(conn, project, pipeline, interval)
        if lacking and request.datasets:
            msg = f"datasets {listed(request.datasets)}: {lacking}; run the interval without --datasets first"
            raise IntervalError(msg)
        if lacking:
            return Planned(Run(pipeline, interval, request.scope, generation.number + 1), request.way)
    return Planned(run, generation.way)


def _must_be_datasets(project: Project, request: Request) -> None:
    asked = f"datasets {listed(request.datasets)}"
    if request.mode != "reprocess" or request.scope != ALL:
        how = request.mode if request.scope == ALL else f"scope '{request.scope}'"
        msg = f"{asked}: asked for with {how}, and only a reprocess of all leaves any out; ask for reprocess"
        raise IntervalError(msg)
    if len(request.pipelines) != 1:
        msg = f"{asked}: asked for of {listed(request.pipelines or ('all',))}, expected one pipeline; name the one"
        raise IntervalError(msg)
    (pipeline,) = project.pipeline_order(request.pipelines)
    names = sorted(contract.dataset for contract in project.contracts_of(pipeline))
    if unknown := [name for name in request.datasets if name not in names]:
        there = f"there are {listed(names)}{hint(unknown[0], names)}"
        msg = f"dataset {listed(unknown)}: not of pipeline {pipeline}; {there}"
        raise IntervalError(msg)


def _lacking(conn: Connection, project: Project, pipeline: str, interval: Interval) -> str:
    """Say what keeps a run from leaving datasets out: it would count as all of the interval, and land nothing."""
    if not is_covered(conn, pipeline, interval):
        return f"{pipeline} {interval} was not published as a whole"
    published = newest(conn)[pipeline]
    for contract in project.contracts_of(pipeline):
        table = published.table(f"curated.{contract.dataset}")
        if table is None or not table.staged:
            return f"{contract.dataset} is not in publication {published.number}, the newest of {pipeline}"
    for source in project.sources_of(pipeline):
        if not accepted_landings(conn, source.source):
            return f"source {source.source} never landed"
    return ""


def _must_have_parts(conn: Connection, project: Project, pipeline: str, interval: Interval, scope: str) -> None:
    parts_of(project, pipeline, scope)
    if not is_covered(conn, pipeline, interval):
        msg = (
            f"scope '{scope}': {pipeline} {interval} was not published as a whole, and a part can only be made again; "
            f"run it without --scope first"
        )
        raise IntervalError(msg)
