import asyncio
import threading
from itertools import islice

import kubernetes_asyncio
import pytest
from api_clients import application, brief
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
    server.play.submit_by_hand(application("one"))
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
    version = apps.list()["metadata"]["resourceVersion"]
    threading.Timer(0, _once_watched, (server, "out-of-sight")).start()

    # Shortly before its end at the latest, a watch says how far it saw.
    options = {"label_selector": "stage=works", "allow_watch_bookmarks": True, "timeout_seconds": 5}
    *_, last = apps.watch(resource_version=version, **options)

    assert last["type"] == "BOOKMARK"
    assert int(last["raw_object"]["metadata"]["resourceVersion"]) > int(version)


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
def test_the_asynchronous_client_resumes_after_a_drop(server, apps, tmp_path, how):
    kind = apps.kind

    async def follow():
        async with await _asynchronous(server, tmp_path) as client:
            api = kubernetes_asyncio.client.CustomObjectsApi(client)
            version = (await api.list_namespaced_custom_object(*kind))["metadata"]["resourceVersion"]
            seen = []
            while len(seen) < 2:
                try:
                    async with kubernetes_asyncio.watch.Watch() as watch:
                        asked = {"resource_version": version, "timeout_seconds": 20}
                        async for event in watch.stream(api.list_namespaced_custom_object, *kind, **asked):
                            seen.append(brief(event))
                            version = event["object"]["metadata"]["resourceVersion"]
                            if len(seen) == 2:
                                break
                            getattr(server, how)()
                except kubernetes_asyncio.client.rest.aiohttp.ClientError:
                    continue
            return seen

    server.play.submit_by_hand(application("early"))
    threading.Timer(0, _once_watched, (server, "one")).start()
    threading.Timer(0, _once_watched, (server, "two", 2)).start()

    assert asyncio.run(asyncio.wait_for(follow(), 30)) == [("ADDED", "one"), ("ADDED", "two")]
    assert len(server.asked("WATCH", "/sparkapplications")) >= 2


def test_a_server_that_is_back_serves_the_same_objects_at_the_same_address(server, apps):
    made = apps.create(application("one"))
    server.stop()
    server.start()

    assert apps.get("one") == made


def test_a_server_that_was_away_knows_no_history(server, apps):
    version = apps.list()["metadata"]["resourceVersion"]
    apps.create(application("one"))
    server.stop()
    server.start()

    with pytest.raises(ApiException) as caught:
        list(apps.watch(resource_version=version, timeout_seconds=1))

    assert caught.value.status == 410


def _once_watched(server, name, watches=1):
    server.until(lambda: len(server.asked("WATCH", "/sparkapplications")) >= watches)
    server.play.submit_by_hand(application(name))


def _label(apps, name, stage):
    apps.patch(name, {"metadata": {"labels": {"stage": stage}}})


async def _asynchronous(server, tmp_path):
    file = server.write_kubeconfig(tmp_path / "asynchronous")
    return await kubernetes_asyncio.config.new_client_from_config(str(file))
