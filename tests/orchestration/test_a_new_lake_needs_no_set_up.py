"""The first who asks the records of a new lake may be a task of Airflow's."""

from pathlib import Path

import pytest
from driving import context_of

from calve.airflow.operator import NeedsOperator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def new_lake(driven):
    """A database in which nobody made the records yet."""
    driven.records.conn.execute("drop schema calve cascade")
    return driven


def test_its_first_application_is_submitted(new_lake):
    new_lake.deferred(new_lake.operator(), context_of())

    assert len(new_lake.names()) == 1


def test_what_needs_another_pipeline_waits_for_it(new_lake):
    wait = NeedsOperator(
        task_id="wait", needs=["reference"], pipeline="revenue", project_folder=str(ROOT), patience_seconds=60
    )
    deferred = new_lake.deferred(wait, context_of())

    assert deferred.trigger.serialize()[1]["needs"] == ["reference"]
