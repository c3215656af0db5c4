import asyncio
import threading
from itertools import islice

import kubernetes_asyncio
import pytest
from api_clients import KIND, application, brief
from kubernetes.client.rest import ApiException


def test_a_watch_goes_on_where_the_list_ended(server, apps):
    apps.create(application("before"))
    version = apps.list()["metadata"]["resourceVersion"]
    apps.create(application("one"))
    server.play.set_application("one", "SUBMITTED")
    apps.delete("one")
    apps.delete("before")

    events = list(apps.watch(resource_version=version, timeout_seconds=1))

    assert [brief(event) for event in events] == [
        ("ADDED", "one"),
        ("MODIFIED", "one", "SUBMITTED"),
        ("DELETED", "one", "SUBMITTED"),
        ("DELETED", "before"),
    ]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


def test_a_watch_without_a_version_begins_with_what_is_there(apps):
    apps.create(application("one"))

    assert [brief(event) for event in apps.watch(timeout_seconds=1)] == [("ADDED", "one")]


def test_a_watch_sees_what_happens_while_it_is_open(server, apps):
    seen, version = [], apps.list()["metadata"]["resourceVersion"]

    def follow():
        seen.extend(brief(event) for event in islice(apps.watch(resource_version=version), 3))

    thread = threading.Thread(target=follow)
    thread.start()
    server.until(lambda: server.open_streams == 1)
    server.play.store.put(*_stored("one"))
    server.play.set_application("one", "SUBMITTED")
    server.play.set_application("one", "FAILED", "driver pod not found")
    thread.join(20)

    assert seen == [("ADDED", "one"), ("MODIFIED", "one", "SUBMITTED"), ("MODIFIED", "one", "FAILED")]


def test_what_comes_into_sight_is_added_and_what_leaves_it_deleted(apps):
    apps.create(application("one", stage="waits"))
    apps.create(application("other"))
    version = apps.list()["metadata"]["resourceVersion"]
    for stage in ("works", "waits"):
        _label(apps, "one", stage)

    events = apps.watch(resource_version=version, timeout_seconds=1, label_selector="stage=works")

    assert [brief(event) for event in events] == [("ADDED", "one"), ("DELETED", "one")]


def test_bookmarks_carry_the_version_on(server, apps):
    server.bookmark_every(0.05)
    version = apps.list()["metadata"]["resourceVersion"]
    server.play.forbid_pods()

    def bookmarked(event):
        return event["type"] == "BOOKMARK" and event["raw_object"]["metadata"]["resourceVersion"] > version

    stream = apps.watch(resource_version=version, allow_watch_bookmarks=True)

    assert bookmarked(next(stream))


def test_a_version_from_before_the_history_is_an_error_event_with_410(server, apps):
    version = apps.list()["metadata"]["resourceVersion"]
    apps.create(application("one"))
    server.expire_history()

    with pytest.raises(ApiException, match="Expired: too old resource version") as caught:
        list(apps.watch(resource_version=version, timeout_seconds=1))

    assert caught.value.status == 410
    newest = apps.list()["metadata"]["resourceVersion"]
    assert list(apps.watch(resource_version=newest, timeout_seconds=1)) == []


def test_a_watch_of_a_server_that_was_here_before_is_a_410(server, apps):
    with pytest.raises(ApiException) as caught:
        list(apps.watch(resource_version="12", timeout_seconds=1))

    assert caught.value.status == 410


@pytest.mark.parametrize("how", ["drop_watches", "reset_watches"])
def test_the_asynchronous_client_resumes_after_a_drop(server, tmp_path, how):
    async def follow():
        async with await _asynchronous(server, tmp_path) as client:
            api = kubernetes_asyncio.client.CustomObjectsApi(client)
            version = (await api.list_namespaced_custom_object(*KIND))["metadata"]["resourceVersion"]
            seen = []
            while len(seen) < 2:
                try:
                    async with kubernetes_asyncio.watch.Watch() as watch:
                        asked = {"resource_version": version, "timeout_seconds": 20}
                        async for event in watch.stream(api.list_namespaced_custom_object, *KIND, **asked):
                            seen.append(brief(event))
                            version = event["object"]["metadata"]["resourceVersion"]
                            if len(seen) == 2:
                                break
                            getattr(server, how)()
                except kubernetes_asyncio.client.rest.aiohttp.ClientError:
                    continue
            return seen

    server.store.put(*_stored("early"))
    threading.Timer(0, _once_watched, (server, "one")).start()
    threading.Timer(0, _once_watched, (server, "two", 2)).start()

    assert asyncio.run(asyncio.wait_for(follow(), 30)) == [("ADDED", "one"), ("ADDED", "two")]
    assert len(server.asked("WATCH", "/sparkapplications")) >= 2


def test_a_server_that_is_back_serves_the_same_objects_at_the_same_address(server, apps):
    version = apps.create(application("one"))["metadata"]["resourceVersion"]
    server.stop()
    server.play.set_application("one", "SUBMITTED")
    server.start()

    assert [brief(event) for event in apps.watch(resource_version=version, timeout_seconds=1)] == [
        ("MODIFIED", "one", "SUBMITTED")
    ]


def _stored(name):
    from calve.standin.kubernetes.resources import APPLICATIONS

    found = application(name)
    found["metadata"]["uid"] = name
    return APPLICATIONS, "calve", name, found


def _once_watched(server, name, watches=1):
    server.until(lambda: len(server.asked("WATCH", "/sparkapplications")) >= watches)
    server.store.put(*_stored(name))


def _label(apps, name, stage):
    body = {"metadata": {"labels": {"stage": stage}}}
    kind = "application/merge-patch+json"
    apps.api.patch_namespaced_custom_object(*KIND, name, body, _content_type=kind)


async def _asynchronous(server, tmp_path):
    file = server.write_kubeconfig(tmp_path / "asynchronous")
    return await kubernetes_asyncio.config.new_client_from_config(str(file))
