"""Marked failed, cleared, or told to end: the application and its pods are gone, and nobody else's."""

import asyncio
import threading

import pytest
from driving import APPLICATIONS, context_of

from calve.standin.kubernetes.resources import PODS


def kill(trigger):
    asyncio.run(trigger.on_kill())


def test_a_deferred_task_that_is_killed_removes_its_application_and_driver(driven, waiting):
    kill(waiting)
    assert driven.names() == []
    assert driven.play.store.find(PODS, "calve", f"{waiting.name}-driver") is None


def test_it_waits_until_the_driver_is_gone(driven, waiting):
    driven.cluster.removal.keeps = lambda uid: True
    killing = threading.Thread(target=kill, args=[waiting])
    killing.start()
    pod = f"{waiting.name}-driver"
    while not driven.cluster.asked("DELETE", APPLICATIONS):
        killing.join(0.01)
    killing.join(0.3)
    assert killing.is_alive()
    driven.play.remove_pod(pod)
    killing.join(20)
    assert not killing.is_alive()


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"reset": True}], ids=["503", "429", "reset"])
def test_a_cluster_that_is_down_for_a_moment_is_asked_again(driven, waiting, fault):
    driven.cluster.fault(method="DELETE", path=APPLICATIONS, **fault)
    kill(waiting)
    assert driven.names() == []


def test_one_that_was_made_again_under_its_name_is_left_alone(driven, waiting):
    waiting.uid = "of one that is gone"
    kill(waiting)
    assert driven.names() == [waiting.name]


def test_a_worker_that_is_told_to_end_before_it_waits_removes_what_it_made(driven):
    operator = driven.operator()
    driven.deferred(operator, context_of())
    operator.on_kill()
    assert driven.names() == []


def test_a_worker_that_made_nothing_removes_nothing(driven, waiting):
    driven.operator().on_kill()
    assert driven.names() == [waiting.name]
