import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from cluster.control_plane import ControlPlane
from cluster.processes import Processes

APPLICATIONS = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/sparkapplications"
ALONE = """
import sys, threading
from pathlib import Path
from cluster.control_plane import ControlPlane

plane = ControlPlane(Path(sys.argv[1]))
plane.start()
print(*plane.processes.pids().values(), flush=True)
threading.Event().wait()
"""


def all_of(pids):
    return [each for pid in pids for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]


def application(name, **spec):
    given = {"type": "Python", "sparkVersion": "3.5.9", "mainApplicationFile": "local:///main.py"}
    head = {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": name}}
    return {**head, "spec": {**given, "driver": {}, "executor": {}, **spec}}


def test_the_operators_own_schema_is_in_force(plane):
    with plane.client() as client:
        refused = client.post(APPLICATIONS, json=application("one", type="Cobol"))
        made = client.post(APPLICATIONS, json=application("two", unheardOf="1g"))

    assert refused.status_code == 422
    assert 'spec.type: Unsupported value: "Cobol"' in refused.json()["message"]
    assert (made.status_code, "unheardOf" in made.json()["spec"]) == (201, False)


def test_an_api_server_that_was_killed_is_back_with_its_objects(plane):
    with plane.client() as client:
        made = client.post(APPLICATIONS, json=application("three")).json()
        plane.kill_apiserver()
        plane.start_apiserver()

        assert client.get(f"{APPLICATIONS}/three").json() == made


def test_its_end_is_that_of_all_processes_and_frees_the_port(tmp_path):
    plane = ControlPlane(tmp_path)
    plane.start()
    alive = all_of(plane.processes.pids().values())

    plane.stop()

    assert len(alive) == 6
    assert psutil.wait_procs(alive, timeout=20)[1] == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", urlsplit(plane.url).port)) != 0


def test_it_does_not_outlive_a_test_that_is_killed(tmp_path):
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    test = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})
    alive = all_of(map(int, test.stdout.readline().split()))

    test.send_signal(signal.SIGKILL)
    test.wait()

    assert len(alive) == 6
    assert psutil.wait_procs(alive, timeout=20)[1] == []


def test_a_process_that_ends_early_is_told_with_its_last_words(tmp_path):
    processes = Processes(tmp_path)
    processes.start("etcd", [sys.executable, "-c", "print('no such flag'); raise SystemExit(3)"])
    while processes.pids():
        threading.Event().wait(0.01)

    with pytest.raises(RuntimeError, match=r"etcd ended with 3(.|\n)*no such flag"):
        processes.check("etcd")
