import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import kubernetes
import psutil
import pytest
from api_clients import Clients, application, pod, refusal, state

from calve.standin.kubernetes.processes import MARK
from calve.standin.kubernetes.resources import PODS
from calve.standin.kubernetes.runner import Place, Runner
from calve.standin.kubernetes.server import Server

MAIN = """
import os, signal, subprocess, sys, threading
from pathlib import Path

def end_with_submitter():
    while os.read(0, 1):
        pass
    os._exit(75)

assert sys.argv[-1] == "--follow-stdin"
threading.Thread(target=end_with_submitter, daemon=True).start()
print("asked for", *sys.argv[1:-1])
print("on standard error", file=sys.stderr)
what = sys.argv[1]
if what == "stubborn":
    signal.signal(signal.SIGTERM, lambda *_: print("no"))
if what in ("wait", "stubborn"):
    subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
    Path("ready").write_text("")
    print("ready")
    threading.Event().wait()
if what == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(int(what))
"""

COMMAND = """
import sys, threading

print("calve", *sys.argv[1:], flush=True)
if sys.argv[1] == "wait":
    threading.Event().wait()
sys.exit(len(sys.argv) - 2)
"""


@pytest.fixture
def place(tmp_path):
    """Return a project whose driver does what its first argument says, and whose calve says what it was asked."""
    project = tmp_path / "project"
    (project / "spark_apps").mkdir(parents=True)
    (project / "spark_apps" / "main.py").write_text(MAIN)
    (project / "calve").mkdir()
    (project / "calve" / "__init__.py").write_text("")
    (project / "calve" / "__main__.py").write_text(COMMAND)
    return Place(project, tmp_path / "logs", {"PATH": os.environ["PATH"]})


@pytest.fixture
def server():
    """The stand-in, whatever the other tests talk to: only there is a runner."""
    with Server("calve") as running:
        yield running


@pytest.fixture
def runner(server, place):
    """Return a runner at work."""
    with Runner(server, place) as running:
        yield running


def create(apps, name, what, **spec):
    found = application(name)
    found["spec"] |= {"arguments": [what], **spec}
    return apps.create(found)


def marked(uid):
    """Return the processes that carry a pod's mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == uid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def uid_of(server, name):
    return server.play.pod(name)["metadata"]["uid"]


def says(server, name, text):
    pods = [each for each in server.store.listed(PODS)[0] if each["metadata"]["name"] == name]
    return any(text in line.text for each in pods for line in server.logs.read(each["metadata"]["uid"]))


@pytest.mark.parametrize(
    ("what", "code", "last", "message"),
    [
        ("0", 0, "COMPLETED", None),
        ("65", 65, "FAILED", "driver container failed with ExitCode: 65, Reason: Error"),
        ("kill", 137, "FAILED", "driver container failed with ExitCode: 137, Reason: Error"),
    ],
)
@pytest.mark.usefixtures("runner")
def test_an_application_runs_to_its_end(server, clients, place, what, code, last, message):  # noqa: PLR0917
    apps, core = clients.applications, clients.core
    version = apps.list()["metadata"]["resourceVersion"]
    create(apps, "one", what)
    server.until(lambda: state(server, "one") == last)

    assert apps.get("one")["status"]["applicationState"].get("errorMessage") == message
    ended = core.pod("one-driver").status.container_statuses[0].state.terminated
    assert ended.exit_code == code
    written = f"asked for {what}\non standard error\n"
    assert core.log("one-driver") == written
    assert (place.logs / "one-driver.log").read_text() == written
    seen = [event["object"].get("status", {}) for event in apps.watch(resource_version=version, timeout_seconds=1)]
    states = [each.get("applicationState", {}).get("state", "") for each in seen]
    assert states == ["", "SUBMITTED", "RUNNING", "SUCCEEDING" if code == 0 else "FAILING", last]


@pytest.mark.usefixtures("runner")
def test_a_pod_runs_a_command_of_calve(server, core):
    core.create(pod("good", "calve", "expose"))
    core.create(pod("bad", "calve", "expose", "--what"))
    server.until(lambda: server.play.pod("good")["status"]["phase"] == "Succeeded")
    server.until(lambda: server.play.pod("bad")["status"]["phase"] == "Failed")

    assert core.log("bad") == "calve expose --what\n"
    assert core.pod("bad").status.container_statuses[0].state.terminated.exit_code == 1


@pytest.mark.usefixtures("runner")
def test_nothing_else_is_run(server, core, tmp_path):
    core.create(pod("one", "touch", str(tmp_path / "touched")))
    server.until(lambda: server.play.pod("one")["status"]["phase"] == "Failed")

    ended = core.pod("one").status.container_statuses[0].state.terminated
    assert (ended.exit_code, ended.reason) == (128, "ContainerCannotRun")
    assert not (tmp_path / "touched").exists()


@pytest.mark.usefixtures("runner")
def test_one_application_runs_at_a_time_and_the_others_wait_their_turn(server, apps):
    create(apps, "first", "wait")
    server.until(lambda: state(server, "first") == "RUNNING")
    create(apps, "second", "0")
    create(apps, "third", "0")
    server.until(lambda: state(server, "third") == "SUBMITTED")

    assert state(server, "second") == "SUBMITTED"
    assert server.play.pod("second-driver")["status"]["phase"] == "Pending"
    apps.delete("first")
    server.until(lambda: state(server, "third") == "COMPLETED")
    assert state(server, "second") == "COMPLETED"


@pytest.mark.usefixtures("runner")
def test_a_deleted_application_is_gone_when_its_processes_are(server, apps, core):
    create(apps, "one", "wait")
    server.until(lambda: says(server, "one-driver", "ready"))
    uid = uid_of(server, "one-driver")
    alive = marked(uid)

    apps.delete("one")
    terminating = core.list_namespaced_pod("calve").items
    server.until(lambda: core.pods() == [])

    # The guard, the driver, and what the driver started.
    assert len(alive) == 3
    assert [each.metadata.deletion_timestamp is not None for each in terminating] in ([True], [])
    assert marked(uid) == []


@pytest.mark.usefixtures("runner")
def test_a_driver_that_does_not_listen_is_killed_after_its_grace(server, apps, core):
    create(apps, "one", "stubborn")
    server.until(lambda: says(server, "one-driver", "ready"))
    uid = uid_of(server, "one-driver")

    core.delete_namespaced_pod("one-driver", "calve", grace_period_seconds=1)
    server.until(lambda: state(server, "one") == "FAILED")

    assert any(line.text == "no" for line in server.logs.read(uid))
    assert "ExitCode: 137" in apps.get("one")["status"]["applicationState"]["errorMessage"]
    assert refusal(core.pod, "one-driver")["code"] == 404
    assert marked(uid) == []


@pytest.mark.usefixtures("runner")
def test_an_application_of_the_same_name_does_not_start_beside_the_one_that_ends(server, apps, core):
    create(apps, "one", "stubborn")
    server.until(lambda: says(server, "one-driver", "ready"))
    apps.delete("one")
    create(apps, "one", "0")
    server.until(lambda: state(server, "one") == "FAILED")

    assert apps.get("one")["status"]["applicationState"]["errorMessage"].endswith("driver pod already exist")
    core.delete_namespaced_pod("one-driver", "calve", grace_period_seconds=0)
    server.until(lambda: core.pods() == [])


@pytest.mark.usefixtures("runner")
def test_a_quota_of_zero_fails_the_submission(server, apps):
    server.play.forbid_pods()
    create(apps, "one", "0")
    server.until(lambda: state(server, "one") == "FAILED")

    assert "exceeded quota: no-pods" in apps.get("one")["status"]["applicationState"]["errorMessage"]


def test_nothing_outlives_the_runner(server, place, apps):
    with Runner(server, place):
        create(apps, "one", "wait")
        server.until(lambda: says(server, "one-driver", "ready"))
        assert len(marked(uid_of(server, "one-driver"))) == 3

    assert marked(uid_of(server, "one-driver")) == []


def test_the_command_runs_applications_and_leaves_no_process_when_it_is_killed(place, tmp_path):
    ready, standin = _command(place, tmp_path)
    with Clients(tmp_path / "kubeconfig", "calve") as clients:
        create(clients.applications, "one", "wait")
        # A command does not look whether its standard input closes.
        clients.core.create(pod("two", "calve", "wait"))
        for event in clients.applications.watch(timeout_seconds=30):
            if event["object"].get("status", {}).get("applicationState", {}).get("state") == "RUNNING":
                break
        follow_until(clients.core, "one-driver", b"ready")
        follow_until(clients.core, "two", b"calve wait")
        pods = clients.core.list_namespaced_pod("calve").items
        alive = [process for each in pods for process in marked(each.metadata.uid)]

    standin.send_signal(signal.SIGKILL)
    standin.wait()

    assert len(alive) == 5
    assert psutil.wait_procs(alive, timeout=20)[1] == []
    assert ready.startswith("Kubernetes stand-in: http://127.0.0.1:")


def test_the_command_ends_in_good_order(place, tmp_path):
    _, standin = _command(place, tmp_path)

    standin.terminate()

    assert standin.wait(20) == 0


def follow_until(core, name, text):
    for event in kubernetes.watch.Watch().stream(core.list_namespaced_pod, "calve", timeout_seconds=30):
        if event["object"].metadata.name == name and event["object"].status.phase == "Running":
            break
    stream = core.read_namespaced_pod_log(name, "calve", follow=True, _preload_content=False)
    assert any(text in line for line in stream)
    stream.close()


def _command(place, tmp_path):
    """Start the command with an interpreter that knows a local engine, and return the line that it prints."""
    known = json.dumps({**place.environment, "CALVE_STATE": str(tmp_path)})
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nif [ "$1" = -c ]; then echo \'{known}\'; else exec {sys.executable} "$@"; fi\n')
    python.chmod(0o755)
    command = [sys.executable, "-m", "calve.standin.kubernetes", "--port", "0", "--namespace", "calve", "--run"]
    command += ["--project", str(place.project), "--python", str(python), "--kubeconfig", str(tmp_path / "kubeconfig")]
    standin = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent)
    return standin.stdout.readline(), standin
