"""One DAG per pipeline, from its contracts alone: what it shows, what it needs, and what a mistake looks like."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from calve.airflow.dags import MAKE, SOURCE_POOL, asset_of, pipeline_dag
from calve.airflow.telling import task_failed
from calve.contract.loader import load_project
from calve.errors import ContractError

ROOT = Path(__file__).parents[2]
PIPELINES = sorted(load_project(ROOT).pipelines)
DAG_FILES = sorted((ROOT / "dags").glob("*.py"))
HEAVY = ("pyspark", "pyiceberg", "snowflake", "boto3", "kubernetes_asyncio", "kubernetes", "duckdb")


@pytest.fixture
def revenue():
    """The DAG of `revenue`."""
    return pipeline_dag("revenue", ROOT)


@pytest.fixture
def project(tmp_path):
    """A copy of this project that a test may spoil."""
    for name in ("iceberg", "spark_apps", "dags"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_each_pipeline_has_its_file(pipeline):
    assert f'pipeline_dag("{pipeline}")' in (ROOT / "dags" / f"{pipeline}.py").read_text()


def test_its_tasks_read_as_a_sentence(revenue):
    order = [task.task_id for task in revenue.topological_sort()]
    assert order == ["wait_for_reference", MAKE, "expose_in_snowflake", "write_the_report"]


def test_it_waits_for_what_it_needs_and_says_what_it_publishes(revenue):
    assert revenue.get_task("wait_for_reference").inlets == [asset_of("reference")]
    assert revenue.get_task(MAKE).outlets == [asset_of("revenue")]


def test_a_run_is_for_the_day_that_ended(revenue):
    assert (revenue.timetable.run_offset, revenue.timetable.key_format) == (-1, "%Y-%m-%d")
    assert revenue.catchup is False
    assert revenue.max_active_runs == 1


def test_its_page_says_what_it_makes_who_answers_and_what_to_type(revenue):
    assert "| `fct_order_line` |" in revenue.doc_md
    assert "**revenue-data**" in revenue.doc_md
    assert "calve run revenue --interval 2026-01-02" in revenue.doc_md


def test_the_source_is_read_through_its_pool(revenue):
    assert revenue.get_task(MAKE).pool == SOURCE_POOL


def test_every_task_that_is_given_up_is_told(revenue):
    assert all(task_failed in task.on_failure_callback for task in revenue.tasks)


def test_retries_back_off(revenue):
    make = revenue.get_task(MAKE)
    assert make.retries == 4
    assert make.retry_exponential_backoff > 1


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda path: path.stem)
def test_a_dag_file_is_parsed_without_anything_heavy(file):
    code = f"import sys, runpy; runpy.run_path({str(file)!r})\n"
    code += f"print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_broken_contract_is_told_by_file_and_line(project):
    path = project / "iceberg" / "contracts" / "fct_order_line.yaml"
    path.write_text(path.read_text().replace("load: merge", "load: merg"))
    with pytest.raises(ContractError, match=r"iceberg/contracts/fct_order_line\.yaml:\d+: load: found 'merg'"):
        pipeline_dag("revenue", project)


def test_a_broken_contract_takes_no_other_pipeline_down(project):
    path = project / "iceberg" / "contracts" / "fct_order_line.yaml"
    path.write_text(path.read_text().replace("load: merge", "load: merg"))
    assert pipeline_dag("reference", project).dag_id == "reference"


def test_an_unknown_pipeline_is_told_with_those_that_there_are(project):
    with pytest.raises(ContractError, match="did you mean revenue"):
        pipeline_dag("revenu", project)


# Builds all DAGs of a folder twice, and says how often each YAML file was opened meanwhile.
COUNTED = """
import collections, json, os, runpy, sys, pathlib
opened = collections.Counter()
sys.addaudithook(lambda what, args: opened.update([str(args[0])]) if what == "open" else None)
files, turns = sorted(pathlib.Path(os.environ["CALVE_PROJECT"], "dags").glob("*.py")), []
for turn in range(2):
    opened.clear()
    for file in files:
        runpy.run_path(str(file))
    turns.append({name: times for name, times in opened.items() if name.endswith(".yaml")})
print(json.dumps(turns))
"""


def test_many_contracts_are_read_once_by_a_process_that_parses_all_dag_files(tmp_path):
    sys.path.append(str(ROOT))
    from bench.many_contracts import write_project

    contracts = write_project(tmp_path, 30)
    done = subprocess.run(
        [sys.executable, "-c", COUNTED],
        env={**os.environ, "CALVE_PROJECT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = json.loads(done.stdout.splitlines()[-1])
    # Once to see to which pipeline a contract belongs, once to read it.
    assert sum("/contracts/" in name for name in first) == contracts
    assert max(first.values()) <= 2
    assert second == {}


def test_a_source_of_another_pipeline_is_not_read(project):
    path = project / "iceberg" / "sources" / "payment.yaml"
    path.write_text("no: [yaml")
    assert pipeline_dag("reference", project).dag_id == "reference"
    with pytest.raises(ContractError, match=r"iceberg/sources/payment\.yaml:1: is not YAML"):
        pipeline_dag("revenue", project)


def test_a_contract_that_changed_is_read_again(project):
    path = project / "iceberg" / "contracts" / "dim_region.yaml"
    assert "Changed. " not in pipeline_dag("reference", project).doc_md
    path.write_text(path.read_text().replace("doc: ", "doc: Changed. ", 1))
    assert "Changed. " in pipeline_dag("reference", project).doc_md


def test_a_mistake_is_told_at_every_parse_until_it_is_mended(project):
    path = project / "iceberg" / "contracts" / "fct_order_line.yaml"
    right = path.read_text()
    path.write_text(right.replace("load: merge", "load: merg"))
    for _ in range(2):
        with pytest.raises(ContractError, match=r"iceberg/contracts/fct_order_line\.yaml:\d+: load: found 'merg'"):
            pipeline_dag("revenue", project)
    path.write_text(right)
    assert pipeline_dag("revenue", project).dag_id == "revenue"
