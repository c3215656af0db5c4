"""Whatever is lost or repeated on the way, a try creates one application; another try runs Spark again."""

import pytest
from driving import APPLICATIONS, context_of


def test_a_try_that_is_repeated_takes_up_what_it_created(driven):
    # The worker died after its POST; Airflow starts the same try again.
    driven.deferred(driven.operator(), context_of())
    driven.deferred(driven.operator(), context_of())
    assert driven.created() == 1


@pytest.mark.parametrize(
    "fault",
    [{"status": 503}, {"status": 500}, {"status": 429, "retry_after": 0}, {"reset": True}],
    ids=["503", "500", "429", "reset"],
)
@pytest.mark.parametrize("applied", [True, False], ids=["made all the same", "not made"])
def test_an_answer_that_is_lost_is_looked_up(driven, fault, applied):
    driven.cluster.fault(method="POST", path=APPLICATIONS, applied=applied, **fault)
    waiting = driven.deferred(driven.operator(), context_of())
    assert driven.names() == [waiting.trigger.name]
    assert waiting.trigger.uid == driven.play.application(waiting.trigger.name)["metadata"]["uid"]


def test_a_retry_takes_up_an_equal_application_that_still_goes_on(driven):
    first = driven.deferred(driven.operator(), context_of())
    driven.play.run(first.trigger.name)
    second = driven.deferred(driven.operator(), context_of(try_number=2))
    assert (second.trigger.name, driven.created()) == (first.trigger.name, 1)


@pytest.mark.parametrize("state", ["", "SUBMITTED", "PENDING_RERUN", "INVALIDATING", "SUSPENDED", "UNKNOWN"])
def test_a_retry_makes_no_second_writer_beside_one_without_a_driver(driven, state):
    first = driven.deferred(driven.operator(), context_of())
    driven.play.set_application(first.trigger.name, state)
    driven.deferred(driven.operator(), context_of(try_number=2))
    assert driven.names() == [first.trigger.name]


@pytest.mark.parametrize("end", [0, 75], ids=["completed", "failed"])
def test_a_task_that_was_cleared_runs_again(driven, end):
    first = driven.deferred(driven.operator(), context_of())
    driven.play.run(first.trigger.name)
    driven.play.end(first.trigger.name, end)
    second = driven.deferred(driven.operator(), context_of(try_number=2))
    assert second.trigger.name != first.trigger.name
    assert driven.created() == 2


def test_a_live_application_with_another_spec_is_removed_first(driven, monkeypatch):
    first = driven.deferred(driven.operator(), context_of())
    driven.play.run(first.trigger.name)
    monkeypatch.setenv("CALVE_KUBERNETES_IMAGE", "calve-spark:newer")
    second = driven.deferred(driven.operator(), context_of(try_number=2))
    assert driven.names() == [second.trigger.name]
    deleted = [each.path for each in driven.cluster.asked("DELETE", APPLICATIONS)]
    assert deleted[0].endswith(first.trigger.name)


def test_another_task_is_left_alone(driven):
    other = driven.deferred(driven.operator(), context_of(run_id="manual__1"))
    mine = driven.deferred(driven.operator(), context_of())
    assert driven.names() == sorted([other.trigger.name, mine.trigger.name])


def test_what_is_published_already_starts_nothing(driven):
    driven.records.publish()
    assert driven.run() is None
    assert driven.created() == 0


def test_an_application_finds_its_run_by_labels_and_says_whole_values_beside(driven):
    name = driven.deferred(driven.operator(), context_of()).trigger.name
    found = driven.play.application(name)["metadata"]
    assert {key.removeprefix("calve.dev/"): value for key, value in found["labels"].items()} == {
        "pipeline": "revenue",
        "interval": "20260102",
        "run": "revenue_20260102_0",
        "dag": "revenue",
        "task": "make",
        "dag-run": "backfill__2026-01-02",
        "map-index": "none",
        "try": "1",
    }
    assert found["annotations"]["calve.dev/run"] == "revenue@2026-01-02#0"
