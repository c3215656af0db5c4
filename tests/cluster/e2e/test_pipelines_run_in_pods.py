"""Pipelines run in a real cluster, from Airflow's REST API to what Snowflake's stand-in serves.

The tests are chapters of one story, since each run of Spark takes minutes: they are in order, and each begins where the
one before ended.
"""

import json

import pytest
from proven import WEEK, prove
from the_release import soon

# A cold machine builds images first.
pytestmark = pytest.mark.timeout(3600)
# A number of a view, by the unmodified connector.
READ = """
from calve.settings import load_settings
from calve.warehouse.read import query
(row,) = query(load_settings(), "select count(distinct business_date) as days from reporting.revenue_daily")
print(row)
"""


@pytest.fixture(scope="module")
def revenue(dev, reference):
    """`revenue`, whose driver is killed while its executors work, run to its end."""
    run = dev.trigger("revenue", WEEK)
    soon(lambda: run.pods("executor"), "an executor runs")
    (driver,) = run.pods("driver")
    dev.kubectl("delete", "pod", driver["metadata"]["name"], "--grace-period=0", "--force")
    run.until_over()
    return run


def published(dev):
    return [each["run_key"] for each in json.loads(dev.calve("history", "--json"))["publications"]]


def test_a_pipeline_that_was_triggered_by_the_api_is_published(dev, reference):
    assert reference.state == "success", reference.log()
    assert published(dev) == [f"reference@{WEEK}#0"]
    prove("a pipeline triggered by the REST API: driver and executor pods, audit, publication")


def test_the_drivers_lines_are_in_the_tasks_log(reference):
    assert f"| reference: publication 1 of reference@{WEEK}#0" in reference.log()


def test_a_person_finds_a_runs_application_by_its_labels(dev, reference):
    shown = dev.kubectl(
        "get", "sparkapplications", "-L", "calve.dev/pipeline,calve.dev/interval,calve.dev/run,calve.dev/dag-run"
    )
    (line,) = [each for each in shown.splitlines() if each.startswith("reference-")]
    assert {"COMPLETED", "reference", "20250101-20250109"} <= set(line.split())


def test_a_run_whose_driver_was_killed_is_published_by_the_next_try(dev, revenue):
    assert revenue.state == "success", revenue.log()
    assert revenue.task()["try_number"] == 2
    assert published(dev) == [f"revenue@{WEEK}#0", f"reference@{WEEK}#0"]
    prove("a driver killed while its executors worked: the next try published, once")


def test_what_was_published_is_served_through_the_real_connector(dev, revenue):
    assert "'days': 9" in dev.in_a_pod("read", "python", "-c", READ)
    prove("the view of revenue read through the Snowflake connector: 9 business dates")


def test_no_pod_of_spark_is_left_running(dev, revenue):
    for role in ("driver", "executor"):
        assert revenue.pods(role) == []


def test_the_charts_own_tests_pass(dev, revenue):
    dev.cluster.commands.helm("test", "calve", "-n", dev.namespace, "--timeout", "300s")
    prove("helm test: doctor finds every connection and permission")
