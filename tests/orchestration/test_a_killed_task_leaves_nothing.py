"""Marked failed, cleared, or told to end: the application and its pods are gone, and nobody else's."""

import asyncio
import threading

import pytest
from driving import APPLICATIONS, context_of
from kubernetes.client import CustomObjectsApi

from calve.kubernetes.deployment import load_deployment
from calve.kubernetes.manifest import GROUP, PLURAL, VERSION
from calve.kubernetes.workloads import open_client


def kill(waiting):
    asyncio.run(waiting.on_kill())


def hold(driven, name, finalizers):
    api, place = CustomObjectsApi(open_client(load_deployment().kubeconfig)), (driven.namespace, PLURAL, name)
    body, kind = {"metadata": {"finalizers": finalizers}}, "application/merge-patch+json"
    api.patch_namespaced_custom_object(GROUP, VERSION, *place, body, _content_type=kind)


def test_a_deferred_task_that_is_killed_removes_its_application_and_driver(driven, waiting):
    kill(waiting)
    assert driven.names() == []
    assert driven.play.pods() == []


def test_it_and_the_application_wait_until_the_driver_is_gone(driven, waiting):
    driven.play.hold_pods()
    killing = threading.Thread(target=kill, args=[waiting])
    killing.start()
    pod = f"{waiting.name}-driver"
    while not driven.cluster.asked("DELETE", APPLICATIONS):
        killing.join(0.01)
    killing.join(0.3)
    assert killing.is_alive()
    assert driven.names() == [waiting.name]
    driven.play.remove_pod(pod)
    killing.join(20)
    assert not killing.is_alive()


def test_it_waits_until_the_application_is_gone(driven, waiting):
    hold(driven, waiting.name, ["calve.dev/held"])
    killing = threading.Thread(target=kill, args=[waiting])
    killing.start()
    driven.cluster.until(lambda: driven.play.pods() == [])
    killing.join(0.8)
    assert killing.is_alive()
    hold(driven, waiting.name, None)
    killing.join(20)
    assert not killing.is_alive()


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"reset": True}], ids=["503", "429", "reset"])
def test_a_cluster_that_is_down_for_a_moment_is_asked_again(driven, waiting, fault):
    driven.cluster.fault(method="DELETE", path=APPLICATIONS, **fault)
    kill(waiting)
    assert driven.names() == []


def test_one_that_was_made_again_under_its_name_is_left_alone_and_not_waited_for(driven, waiting):
    waiting.uid = "of one that is gone"
    kill(waiting)
    assert driven.names() == [waiting.name]
    assert driven.cluster.asked("GET", "/pods") == []


def test_a_worker_that_is_told_to_end_before_it_waits_removes_what_it_made(driven):
    operator = driven.operator()
    driven.deferred(operator, context_of())
    operator.on_kill()
    assert driven.names() == []


def test_a_worker_that_made_nothing_removes_nothing(driven, waiting):
    driven.operator().on_kill()
    assert driven.names() == [waiting.name]
