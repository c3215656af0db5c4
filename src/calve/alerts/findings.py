"""Turn what a run came to into alerts: rules, columns and counts, never a key or a value of a row.

Pure: reads nothing, keeps nothing. What to type is what `calve run` prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from calve.alerts.alert import Alert, Link
from calve.contract.project import Project
from calve.lake.verdicts import DatasetVerdict, RuleResult
from calve.runs import Interval, Run

MOST_RULES = 12


def alerts_of_run(
    project: Project, run_key: str, verdicts: Sequence[DatasetVerdict], links: tuple[Link, ...] = ()
) -> list[Alert]:
    """Return the alerts that the verdicts of a run ask for.

    A blocked run is one alert for all of its datasets, to the owner of each that is blocked. A run that passed with
    warnings is one for each dataset that has some.
    """
    run = Run.parse(run_key)
    blocked = [each for each in verdicts if each.word == "blocked"]
    if blocked:
        return [_blocked(project, run, blocked, links)]
    warned = ((each, _of(each, "warned")) for each in verdicts)
    return [_anomaly(project, run, each.dataset, results, links) for each, results in warned if results]


def failure_of_run(
    project: Project, run_key: str, cause: str, *, part: str = "", links: tuple[Link, ...] = ()
) -> Alert:
    """Return the alert for a job that failed without a verdict, or for a step that failed after publication.

    Args:
        cause: What the triage found, in a few lines; secrets are taken out when it is raised.
        part: Name of the step, e.g. `expose`; empty for the run itself.
    """
    run = Run.parse(run_key)
    found = failure_of(project, run.pipeline, run.interval, cause, part=part)
    again = found.commands if part else ("calve status", rerun(run))
    return replace(found, run_key=run_key, commands=again, links=links)


def failure_of(project: Project, pipeline: str, interval: Interval, cause: str, *, part: str = "") -> Alert:
    """Return the alert for what failed before there was a run, or for a step that belongs to none.

    Args:
        interval: What should have been made; of a step, the day on which it was seen.
    """
    what = f"{part} failed" if part else "failed before it had a verdict"
    return Alert(
        kind="failed",
        pipeline=pipeline,
        interval=interval,
        owners=(project.pipelines[pipeline].owner.alerts,),
        title=f"{pipeline} {interval}: {what}",
        cause=cause,
        part=part,
        commands=("calve status", f"calve {part}" if part else f"calve run {pipeline} --interval {interval}"),
    )


def look(run: Run) -> str:
    """Return the command that explains a verdict."""
    return f"calve audit show '{run.key}'"


def rerun(run: Run) -> str:
    """Return the command that makes the interval again after the fix."""
    scope = "" if run.scope == "all" else f" --scope '{run.scope}'"
    return f"calve run {run.pipeline} --interval {run.interval}{scope}"


def _blocked(project: Project, run: Run, blocked: Sequence[DatasetVerdict], links: tuple[Link, ...]) -> Alert:
    names = ", ".join(each.dataset for each in blocked)
    lines = [line for each in blocked for line in _lines(each.dataset, _of(each, "blocked"))]
    return Alert(
        kind="blocked",
        pipeline=run.pipeline,
        interval=run.interval,
        owners=tuple(dict.fromkeys(_owner(project, run, each.dataset) for each in blocked)),
        title=f"{run.pipeline} {run.interval} not published: the audit blocked {names}",
        cause=_cut_lines(lines),
        run_key=run.key,
        commands=(look(run), rerun(run)),
        links=links,
    )


def _anomaly(project: Project, run: Run, dataset: str, results: Sequence[RuleResult], links: tuple[Link, ...]) -> Alert:
    rules = "1 rule" if len(results) == 1 else f"{len(results)} rules"
    return Alert(
        kind="anomaly",
        pipeline=run.pipeline,
        interval=run.interval,
        owners=(_owner(project, run, dataset),),
        title=f"{dataset} {run.interval}: {rules} warned",
        cause=_cut_lines(_lines(dataset, results)),
        run_key=run.key,
        part=dataset,
        commands=(look(run),),
        links=links,
    )


def _owner(project: Project, run: Run, dataset: str) -> str:
    contract = project.contracts.get(dataset)
    return (contract.owner if contract else project.pipelines[run.pipeline].owner).alerts


def _of(verdict: DatasetVerdict, outcome: str) -> list[RuleResult]:
    return [result for result in verdict.results if result.outcome == outcome]


def _lines(dataset: str, results: Iterable[RuleResult]) -> list[str]:
    """Say of each rule what it found; its details name parts and sums, its samples are keys and stay out."""
    found = []
    for result in results:
        column = f" on {result.column}" if result.column and result.column not in result.rule else ""
        counts = f"{result.broken_rows:,} of {result.checked_rows:,}, {result.allowed_rows:,} allowed"
        detail = f" ({result.detail})" if result.detail and "rows break it" not in result.detail else ""
        found.append(f"{dataset}: {result.rule}{column}: {counts}{detail}")
    return found


def _cut_lines(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - MOST_RULES} more"] if len(lines) > MOST_RULES else []
    return "\n".join([*lines[:MOST_RULES], *more])
