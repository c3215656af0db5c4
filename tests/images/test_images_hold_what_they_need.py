import json
import re
from pathlib import Path

import pytest

JOB = Path(__file__).parent / "job.py"
NAMES = ["spark", "airflow", "dev"]
# A container without a network has a name that nobody resolves.
ALONE = ["--env", "SPARK_LOCAL_IP=127.0.0.1", "--env", "SPARK_LOCAL_HOSTNAME=localhost"]
ALONE += ["--env", "SPARK_DRIVER_BIND_ADDRESS=127.0.0.1"]


@pytest.mark.parametrize("name", NAMES)
def test_an_image_runs_as_10001(inside, name):
    assert inside(name, "id", "-u").split() == ["10001"]
    assert inside(name, "id", "-g").split() == ["10001"]


def test_both_halves_tell_the_same_contract_digest(inside):
    spark, airflow = (json.loads(inside(name, "calve", "version", "--json")) for name in ("spark", "airflow"))

    assert spark["contract"] == airflow["contract"]
    assert len(spark["contract"]) == 64


@pytest.mark.parametrize("name", NAMES)
def test_an_image_tells_its_own_name_and_commit(inside, image, name):
    told = json.loads(inside(name, "calve", "version", "--json"))

    assert told["image"] == image(name)
    # One that was built before its inputs were committed goes on saying so.
    assert re.fullmatch(r"[0-9a-f]{40}([+]changes)?", told["commit"])


def test_a_driver_works_on_iceberg_tables_and_counts_with_deequ(inside):
    mounted = [*ALONE, "--volume", f"{JOB}:/job.py:ro"]

    told = inside("spark", "driver", "--master", "local[2]", "--driver-memory", "1g", "/job.py", options=mounted)

    assert "result 500 rows, 1000 by deequ" in told.splitlines()


def test_the_spark_image_knows_its_contracts_and_has_the_packages_of_every_command(inside):
    assert "no mistakes" in inside("spark", "calve", "validate")
    for command in ("run", "expose", "report", "doctor", "maintain", "alerts", "status"):
        assert inside("spark", "calve", command, "--help").startswith("Usage: calve")


def test_airflow_reads_every_dag_without_a_mistake(inside):
    database = ["--env", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:////opt/airflow/airflow.db"]
    script = (
        "airflow db migrate >/tmp/log 2>&1 || cat /tmp/log; airflow dags reserialize >/tmp/log 2>&1 || cat /tmp/log;"
    )
    script += "airflow dags list-import-errors --output json; airflow dags list --output json"

    told = inside("airflow", "bash", "-c", script, options=database)

    lines = [line for line in told.splitlines() if line.startswith(("[{", "No data found", "[]"))]
    assert lines[0] in ("No data found", "[]")
    assert sorted(each["dag_id"] for each in json.loads(lines[1])) == ["calve_watch", "reference", "revenue"]


def test_airflow_can_write_logs_to_s3_and_speak_to_kubernetes(inside):
    modules = ["airflow.providers.amazon.aws.log.s3_task_handler", "calve.airflow.operator", "calve.airflow.trigger"]

    told = inside("airflow", "python", "-c", f"import {', '.join(modules)}; print('found all')")

    assert "found all" in told.splitlines()


def test_a_command_of_the_other_half_says_that_it_is_not_here(inside):
    with pytest.raises(RuntimeError, match="calve run: needs pyiceberg, which is not installed here"):
        inside("airflow", "calve", "run")
