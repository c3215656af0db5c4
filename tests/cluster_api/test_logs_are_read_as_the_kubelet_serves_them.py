import threading
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from api_clients import application, pod, refusal

from calve.standin.kubernetes.play import running, terminated, waiting


@pytest.fixture
def driver(server, apps):
    """Return the name of a driver pod that runs."""
    apps.create(application("one"))
    server.play.run("one")
    return "one-driver"


def test_what_a_pod_wrote(server, core, driver):
    server.play.write_log(driver, "first\nsecond\n")

    assert core.log(driver, container="spark-kubernetes-driver") == "first\nsecond\n"
    assert core.log(driver, tail_lines=1) == "second\n"
    assert core.log(driver, tail_lines=0) == ""


def test_the_newest_lines_with_their_times(server, core, driver):
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    server.play.write_log(driver, "old", long_ago)
    server.play.write_log(driver, "new")

    assert core.log(driver, since_seconds=60) == "new\n"
    old = core.log(driver, timestamps=True).splitlines()[0]
    assert old == f"{long_ago:%Y-%m-%dT%H:%M:%S.%f}000Z old"


@pytest.mark.parametrize(
    ("since", "found"), [("03:00:01Z", b"new\n"), ("03:00:00.900Z", b"old\nnew\n")], ids=["second", "less than one"]
)
def test_lines_since_an_instant_in_whole_seconds(server, driver, since, found):
    server.play.write_log(driver, "old", datetime(2026, 1, 2, 3, 0, 0, 500_000, tzinfo=UTC))
    server.play.write_log(driver, "new", datetime(2026, 1, 2, 3, 0, 1, tzinfo=UTC))
    pod = f"{server.url}/api/v1/namespaces/{server.namespace}/pods/{driver}"

    with urllib.request.urlopen(f"{pod}/log?sinceTime=2026-01-02T{since}") as answer:
        assert answer.read() == found


def test_a_followed_log_ends_with_the_pod(server, core, driver):
    server.play.write_log(driver, "first")
    stream = core.read_namespaced_pod_log(driver, core.namespace, follow=True, _preload_content=False)
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
    stream = core.read_namespaced_pod_log(driver, core.namespace, follow=True, _preload_content=False)
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
    core.create(pod("one"))
    server.play.set_pod("one", "Pending", state)

    found = refusal(core.log, "one")

    assert (found["code"], found["reason"]) == (400, "BadRequest")
    assert found["message"] == f'container "calve" in pod "one" is {said}'


def test_a_pod_without_a_node_has_an_empty_log(core):
    core.create(pod("one"))

    assert core.log("one") == ""


def test_a_container_must_be_one_of_the_pod(server, core):
    two = pod("one")
    two["spec"]["containers"].append({"name": "beside", "image": "x"})
    core.create(two)
    server.play.set_pod("one", "Running", running())

    assert "choose one of: [calve beside]" in refusal(core.log, "one")["message"]
    assert refusal(core.log, "one", container="x")["message"] == "container x is not valid for pod one"
    assert "previous terminated container" in refusal(core.log, "one", container="calve", previous=True)["message"]


def test_how_a_container_ended_is_told(server, core):
    core.create(pod("one"))
    server.play.set_pod("one", "Failed", terminated(137, "OOMKilled"), reason="Evicted", message="low on memory")

    status = core.pod("one").status

    ended = status.container_statuses[0].state.terminated
    assert (status.phase, ended.exit_code, ended.reason) == ("Failed", 137, "OOMKilled")
    assert (status.reason, status.message) == ("Evicted", "low on memory")
