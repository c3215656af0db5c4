import threading
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from api_clients import application, log, pod, refusal

from calve.standin.kubernetes.play import running, terminated, waiting


@pytest.fixture
def driver(server, apps):
    """Return the name of a driver pod that runs."""
    apps.create(application("one"))
    server.play.run("one")
    return "one-driver"


def test_what_a_pod_wrote(server, core, driver):
    server.play.write_log(driver, "first\nsecond\n")

    assert log(core, driver, container="spark-kubernetes-driver") == "first\nsecond\n"
    assert log(core, driver, tail_lines=1) == "second\n"
    assert log(core, driver, tail_lines=0) == ""


def test_the_newest_lines_with_their_times(server, core, driver):
    uid = server.play.pod(driver)["metadata"]["uid"]
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    server.logs.append(uid, "old", long_ago)
    server.logs.append(uid, "new")

    assert log(core, driver, since_seconds=60) == "new\n"
    old = log(core, driver, timestamps=True).splitlines()[0]
    assert old == f"{long_ago:%Y-%m-%dT%H:%M:%S.%f}000Z old"


def test_lines_since_an_instant(server, core, driver):
    uid = server.play.pod(driver)["metadata"]["uid"]
    server.logs.append(uid, "old", datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC))
    server.logs.append(uid, "new", datetime(2026, 1, 2, 3, 0, 1, tzinfo=UTC))
    address = f"{server.url}/api/v1/namespaces/calve/pods/{driver}/log?sinceTime=2026-01-02T03:00:00.500Z"

    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"new\n"


def test_a_followed_log_ends_with_the_pod(server, core, driver):
    server.play.write_log(driver, "first")
    stream = core.read_namespaced_pod_log(driver, "calve", follow=True, _preload_content=False)
    found = []
    thread = threading.Thread(target=lambda: found.extend(stream))
    thread.start()
    server.until(lambda: server.open_streams == 1)
    server.play.write_log(driver, "second")
    server.play.end("one", 65)
    thread.join(20)

    assert not thread.is_alive()
    assert b"".join(found) == b"first\nsecond\n"


def test_a_followed_log_ends_when_the_pod_is_gone(server, core, driver):
    stream = core.read_namespaced_pod_log(driver, "calve", follow=True, _preload_content=False)
    server.play.remove_pod(driver)

    assert stream.read() == b""


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param(waiting("ContainerCreating"), "waiting to start: ContainerCreating", id="creating"),
        pytest.param(waiting("ImagePullBackOff"), "waiting to start: trying and failing to pull image", id="no image"),
        pytest.param(waiting("ErrImagePull"), "waiting to start: image can't be pulled", id="no image yet"),
    ],
)
def test_a_container_that_has_not_started_is_a_400(server, core, state, said):
    core.create_namespaced_pod("calve", pod("one"))
    server.play.set_pod("one", "Pending", state)

    found = refusal(log, core, "one")

    assert (found["code"], found["reason"]) == (400, "BadRequest")
    assert found["message"] == f'container "calve" in pod "one" is {said}'


def test_a_pod_without_a_node_has_an_empty_log(core):
    core.create_namespaced_pod("calve", pod("one"))

    assert log(core, "one") == ""


def test_a_container_must_be_one_of_the_pod(server, core):
    two = pod("one")
    two["spec"]["containers"].append({"name": "beside", "image": "x"})
    core.create_namespaced_pod("calve", two)
    server.play.set_pod("one", "Running", running())

    assert "choose one of: [calve beside]" in refusal(log, core, "one")["message"]
    assert refusal(log, core, "one", container="x")["message"] == "container x is not valid for pod one"
    assert "previous terminated container" in refusal(log, core, "one", container="calve", previous=True)["message"]


def test_how_a_container_ended_is_told(server, core):
    core.create_namespaced_pod("calve", pod("one"))
    server.play.set_pod("one", "Failed", terminated(137, "OOMKilled"), reason="Evicted", message="low on memory")

    status = core.read_namespaced_pod("one", "calve").status

    ended = status.container_statuses[0].state.terminated
    assert (status.phase, ended.exit_code, ended.reason) == ("Failed", 137, "OOMKilled")
    assert (status.reason, status.message) == ("Evicted", "low on memory")
