"""The trigger sees the end, whatever happens to the watch, the cluster and the triggerer meanwhile."""

import asyncio
import threading
import time

import pytest
from driving import APPLICATIONS, context_of

from calve.airflow import watch
from calve.kubernetes.states import state_of

STATES = [
    "",
    "SUBMITTED",
    "RUNNING",
    "SUBMISSION_FAILED",
    "PENDING_RERUN",
    "INVALIDATING",
    "SUCCEEDING",
    "FAILING",
    "SUSPENDING",
    "SUSPENDED",
    "RESUMING",
    "UNKNOWN",
]


def watched(driven):
    """Wait until the trigger watches: what happens from then on happens to its watch."""
    driven.cluster.until(lambda: driven.cluster.open_streams)


def test_its_end_while_nobody_watched_is_seen_at_once(driven, waiting):
    driven.play.end(waiting.name)
    assert driven.wait(waiting)["state"] == "COMPLETED"


@pytest.mark.parametrize("state", STATES)
def test_a_state_that_may_still_change_is_no_end(driven, waiting, state):
    def step(name):
        watched(driven)
        driven.play.set_application(name, state)
        # Only then: states that follow each other fast may be seen as one.
        while not any(line.endswith(f" is {state or 'new'}") for line in driven.shown):
            threading.Event().wait(0.01)
        driven.play.end(name)

    assert driven.wait(waiting, step)["state"] == "COMPLETED"


@pytest.mark.parametrize("what", ["drop_watches", "reset_watches"])
def test_a_watch_that_is_cut_goes_on(driven, waiting, what):
    def step(name):
        watched(driven)
        getattr(driven.cluster, what)()
        driven.play.end(name, 75)

    assert driven.wait(waiting, step)["state"] == "FAILED"


def test_a_watch_whose_history_is_over_lists_anew(driven, waiting):
    def step(name):
        watched(driven)
        driven.cluster.fault(method="GET", path="watch=true", status=503)
        driven.cluster.drop_watches()
        driven.play.end(name)
        driven.cluster.expire_history()

    assert driven.wait(waiting, step)["state"] == "COMPLETED"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retry_after": 0},
        {"status": 429, "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"},
        {"status": 500},
        {"status": 503},
        {"status": 410},
        {"reset": True},
    ],
    ids=["429", "429 with a date", "500", "503", "410", "reset"],
)
def test_a_cluster_that_answers_with_errors_is_asked_again(driven, waiting, fault):
    driven.cluster.fault(method="GET", path=APPLICATIONS, times=3, **fault)
    driven.play.end(waiting.name)
    assert driven.wait(waiting)["state"] == "COMPLETED"


def test_an_api_server_that_restarts_keeps_nobody_from_the_end(driven, waiting):
    def step(name):
        watched(driven)
        driven.cluster.stop()
        driven.cluster.start()
        driven.play.end(name)

    assert driven.wait(waiting, step)["state"] == "COMPLETED"


def test_a_restarted_triggerer_goes_on_with_the_deadlines_it_had(driven, waiting):
    _, first = waiting.serialize()
    assert type(waiting)(**first).serialize() == waiting.serialize()
    assert first["start_until"] == waiting.start_until


def test_a_triggerer_that_restarts_after_the_time_to_start_takes_nothing_that_runs_for_late(driven, waiting):
    waiting.start_until = time.time() - 600

    def step(name):
        watched(driven)
        driven.play.end(name)

    assert driven.wait(waiting, step)["state"] == "COMPLETED"
    assert driven.names() == [waiting.name]


def test_one_that_the_shared_watch_does_not_know_yet_is_not_gone(driven, waiting):
    async def followed():
        # Another task holds the watch, which is refused from now on: it knows nothing of what comes.
        states = watch.follower("SparkApplication", driven.namespace, kubeconfig(), "calve.dev/dag").follow("another")
        assert await anext(states) is None
        driven.cluster.fault(method="GET", path="watch=true", status=503, times=3)
        driven.cluster.drop_watches()
        later = driven.deferred(driven.operator(), context_of(run_id="later")).trigger
        event = asyncio.ensure_future(anext(aiter(later.run())))
        await asyncio.wait({event}, timeout=1)
        gone = event.done()
        await asyncio.to_thread(driven.play.run, later.name)
        await asyncio.to_thread(driven.play.end, later.name)
        return gone, (await event).payload["state"]

    assert asyncio.run(followed()) == (False, "COMPLETED")


@pytest.mark.parametrize("path", ["watch=true", APPLICATIONS])
def test_a_cluster_that_takes_the_question_and_never_answers_is_asked_again(driven, waiting, monkeypatch, path):
    monkeypatch.setattr(watch, "PATIENCE", (1, 0.2))
    monkeypatch.setattr(watch, "WATCHING", (1, 0.2))
    driven.cluster.fault(method="GET", path=path, latency_seconds=3)
    began = asked(driven)

    def step(name):
        # Once to list and once to watch; the third time is for the one that was not answered.
        driven.cluster.until(lambda: asked(driven) >= began + 3)
        driven.play.end(name)

    assert driven.wait(waiting, step)["state"] == "COMPLETED"


def asked(driven):
    return sum(len(driven.cluster.asked(method, APPLICATIONS)) for method in ("GET", "WATCH"))


def test_the_pause_between_failures_has_an_end():
    assert watch.pause_of(10_000) <= watch.LONGEST_PAUSE_SECONDS * 1.2


def test_a_killed_triggerer_is_followed_by_one_that_sees_the_end(driven, waiting):
    async def killed():
        first = asyncio.create_task(anext(aiter(waiting.run())))
        await asyncio.to_thread(watched, driven)
        first.cancel()
        await asyncio.wait([first])

    asyncio.run(killed())
    driven.play.end(waiting.name, 75)
    assert driven.wait(waiting)["state"] == "FAILED"
    assert driven.names() == [waiting.name]


def test_many_triggers_share_one_watch(driven):
    names = [
        driven.deferred(driven.operator(), context_of(run_id=f"backfill__{number}")).trigger.name
        for number in range(20)
    ]

    async def all_of_them():
        async def last(name):
            states = watch.follower("SparkApplication", driven.namespace, kubeconfig()).follow(name)
            found = None
            while not found or state_of(found) != "COMPLETED":
                found = await anext(states)
            return name

        waits = [asyncio.create_task(last(name)) for name in names]
        await asyncio.to_thread(lambda: (watched(driven), [driven.play.end(name) for name in names]))
        return await asyncio.gather(*waits)

    assert asyncio.run(all_of_them()) == names
    assert len(driven.cluster.asked("WATCH", APPLICATIONS)) == 1


def kubeconfig():
    from calve.kubernetes.deployment import load_deployment

    return str(load_deployment().kubeconfig)


def test_one_that_never_starts_is_told_and_removed(driven):
    with pytest.raises(Exception, match="to start"):
        driven.run(operator=driven.operator(start_seconds=0.5))
    assert driven.names() == []


def test_one_that_runs_too_long_is_told_and_removed(driven):
    with pytest.raises(Exception, match="to run"):
        driven.run(driven.play.run, operator=driven.operator(run_seconds=0.5))
    assert driven.names() == []


def test_the_time_that_it_ran_is_counted_from_the_pod_and_not_from_the_triggerer(driven, waiting):
    driven.play.started_at(f"{waiting.name}-driver", "2026-01-01T00:00:00Z")
    before = time.monotonic()
    assert driven.wait(waiting)["how"] == "ran too long"
    assert time.monotonic() - before < 30


def test_one_that_a_person_deleted_is_gone(driven, waiting):
    def step(name):
        watched(driven)
        driven.play.delete_application(name)

    assert driven.wait(waiting, step)["how"] == "gone"


def test_a_driver_pod_that_a_person_deleted_is_an_end(driven, waiting):
    # apache/airflow#41212: there the task waits for ever.
    def step(name):
        watched(driven)
        driven.play.delete_pod(f"{name}-driver")
        driven.play.lose_driver(name)

    assert driven.wait(waiting, step)["state"] == "FAILED"


def test_another_one_of_the_same_name_is_not_taken_for_it(driven, waiting):
    waiting.uid = "of one that was deleted and made again"
    assert driven.wait(waiting)["how"] == "replaced"


def test_the_log_of_the_driver_is_shown_while_it_runs(driven, waiting):
    def step(name):
        driven.play.write_log(f"{name}-driver", "land     sales_order 340 rows\nstage    fct_order_line 19,709\n")
        driven.play.end(name)

    driven.wait(waiting, step)
    assert "| land     sales_order 340 rows" in driven.shown
    assert "| stage    fct_order_line 19,709" in driven.shown


def test_a_log_that_is_cut_goes_on_after_its_last_line(driven, waiting):
    pod = f"{waiting.name}-driver"

    def step(name):
        driven.play.write_log(pod, "first\n")
        while "| first" not in driven.shown:
            threading.Event().wait(0.01)
        driven.cluster.reset_watches()
        driven.play.write_log(pod, "second\n")
        driven.play.end(name)

    driven.wait(waiting, step)
    assert [line for line in driven.shown if line.startswith("| ")] == ["| first", "| second"]


def test_a_log_that_is_gone_with_its_pod_is_told(driven, waiting):
    driven.play.remove_pod(f"{waiting.name}-driver")

    def step(name):
        driven.cluster.until(lambda: driven.cluster.asked("GET", "/log"))
        driven.play.lose_driver(name)

    assert driven.wait(waiting, step)["state"] == "FAILED"
    assert f"log of {waiting.name}: not readable, its pod is gone" in driven.shown
    assert [line for line in driven.shown if line.startswith("| ")] == []


def test_an_answer_that_is_no_log_is_not_shown_as_one(driven, waiting):
    driven.cluster.fault(path="/log", status=500)
    driven.play.write_log(f"{waiting.name}-driver", "the log\n")

    def step(name):
        driven.cluster.until(lambda: len(driven.cluster.asked("GET", "/log")) == 2)
        driven.play.end(name)

    driven.wait(waiting, step)
    assert [line for line in driven.shown if line.startswith("| ")] == ["| the log"]
