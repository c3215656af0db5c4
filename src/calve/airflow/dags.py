"""Make the DAG of a pipeline from `iceberg/pipelines.yaml` and its contracts.

Promises: the same files give the same DAG; no connection is opened and nothing heavy imported while it is parsed; what
is wrong with the declarations is an import error that names file and line. A DAG holds no logic: each of its tasks is
something that a person can type, and its `doc_md` says what.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, CronPartitionTimetable, Param

from calve.airflow.janitor import WatchOperator
from calve.airflow.operator import CommandOperator, NeedsOperator, SparkRunOperator
from calve.airflow.requests import DATASETS, INTERVAL, MODE, SCOPE
from calve.contract.loader import load_pipeline
from calve.contract.models import Pipeline
from calve.contract.project import Project
from calve.settings import project_folder

MAKE = "land_curate_audit_and_publish"
DEFAULTS: dict[str, Any] = {
    # For infrastructure only: what a retry can't help fails at once.
    "retries": 4,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=20),
}
# Slots of the source database; deferred tasks count. Without the pool nothing is scheduled: set-up makes it.
SOURCE_POOL = "calve_source"


def pipeline_dag(name: str, folder: Path | None = None) -> DAG:
    """Return the DAG of one pipeline; a DAG file assigns it to a name of its own.

    Raises:
        ContractError: Lists every mistake of the declarations by file and line.
    """
    found = folder or project_folder()
    project = load_pipeline(found, name)
    return _dag(project, project.pipelines[name], str(found))


def watch_dag(folder: Path | None = None) -> DAG:
    """Return the DAG that delivers alerts, notices what is overdue, and removes what lost tasks left behind."""
    with DAG(
        dag_id="calve_watch",
        description="Deliver alerts, notice what is overdue, remove what lost tasks left behind.",
        doc_md="What `calve alerts deliver` does, and more; see docs/alerts.md. A route that is down fails nothing.",
        schedule="*/5 * * * *",
        start_date=datetime(2025, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        # It does nothing that anybody must approve, and paused, it lets no alert leave.
        is_paused_upon_creation=False,
        tags=["calve"],
        default_args={"retries": 0},
    ) as dag:
        WatchOperator(task_id="watch_deliver_and_clean_up", project_folder=str(folder or project_folder()))
    return dag


def asset_of(pipeline: str) -> Asset:
    """Return the asset that a publication of this pipeline updates; its partition is the interval's day."""
    return Asset(name=f"{pipeline}_published", uri=f"calve://publication/{pipeline}")


def _dag(project: Project, pipeline: Pipeline, folder: str) -> DAG:
    name = pipeline.pipeline
    with DAG(
        dag_id=name,
        description=pipeline.doc,
        doc_md=_page(project, pipeline),
        # Each run is for the day that ended last when it is due.
        schedule=CronPartitionTimetable(pipeline.schedule, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"),
        start_date=datetime.fromisoformat(pipeline.start).replace(tzinfo=UTC),
        # What was missed is made by the next run, in one; a backfill is asked for.
        catchup=False,
        max_active_runs=1,
        tags=["calve", pipeline.owner.team],
        default_args={**DEFAULTS, "owner": pipeline.owner.team},
        params=_form([contract.dataset for contract in project.contracts_of(name)]),
    ) as dag:
        shared: dict[str, Any] = {"pipeline": name, "project_folder": folder}
        make = SparkRunOperator(task_id=MAKE, pool=SOURCE_POOL, outlets=[asset_of(name)], **shared)
        if pipeline.needs:
            needs = list(pipeline.needs)
            wait = NeedsOperator(
                task_id=f"wait_for_{'_and_'.join(needs)}",
                needs=needs,
                patience_seconds=pipeline.deadline_minutes * 60 / 2,
                inlets=[asset_of(each) for each in needs],
                **shared,
            )
            wait >> make
        expose = CommandOperator(task_id="expose_in_snowflake", command=["expose"], run_from=MAKE, **shared)
        report = CommandOperator(task_id="write_the_report", command=["report"], run_from=MAKE, **shared)
        make >> expose >> report
    return dag


def _form(datasets: list[str]) -> dict[str, Param]:
    """Return what a person fills in to start a run by hand; left empty, it makes whatever is missing."""
    dates = r"^\d{4}-\d{2}-\d{2}(/\d{4}-\d{2}-\d{2})?$"
    return {
        INTERVAL: Param(
            None,
            type=["null", "string"],
            pattern=dates,
            title="Interval",
            description="A UTC day, 2026-01-02, or since/until with until excluded, 2026-01-01/2026-01-05. "
            "Empty: everything that is missing.",
        ),
        SCOPE: Param(
            None,
            type=["null", "string"],
            pattern=r"^\w+=.+$",
            title="Part",
            description="Make only this part of a published interval again, e.g. facility_id=7.",
        ),
        MODE: Param(
            "changes",
            type="string",
            enum=["changes", "reload", "reprocess"],
            title="How",
            description="changes: land what changed. reload: read the sources whole again. reprocess: compute the "
            "published interval anew from what was landed, as a new generation.",
        ),
        DATASETS: Param(
            [],
            type="array",
            items={"type": "string", "enum": datasets},
            # What the form offers to choose from.
            examples=datasets,
            title="Datasets",
            description="With reprocess: compute only these anew, and what is derived from them as far as they change. "
            "Nothing lands. Empty: all.",
        ),
    }


def _page(project: Project, pipeline: Pipeline) -> str:
    """Return the page that people see beside the DAG: what it makes, who answers for it, what to type."""
    name = pipeline.pipeline
    lines = [f"# {name}", "", pipeline.doc, "", "| dataset | one row is | owner |", "|---|---|---|"]
    contracts = project.contracts_of(name)
    lines += [f"| `{c.dataset}` | {' '.join(c.doc.split())} | {c.owner.team} |" for c in contracts]
    sources = ", ".join(f"`{source.source}`" for source in project.sources_of(name))
    lines += [
        "",
        f"Reads {sources}." + (f" Needs {', '.join(pipeline.needs)}." if pipeline.needs else ""),
        f"Answers for it: **{pipeline.owner.team}**. Due at `{pipeline.schedule}` UTC, overdue "
        f"{pipeline.deadline_minutes} minutes later.",
        "",
        "The same by hand:",
        "",
        "```sh",
        f"calve run {name} --interval 2026-01-02   # the run key says which; it publishes too",
        "calve expose && calve report",
        "calve status; calve history --fates",
        "```",
    ]
    return "\n".join(lines)
