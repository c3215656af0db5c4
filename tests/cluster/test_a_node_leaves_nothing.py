import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cluster.node import Node

ALONE = """
import sys, threading
from pathlib import Path
from cluster.archives import Archive
from cluster.node import Node

pause, coredns = (Archive(name, Path(file)) for name, file in zip(sys.argv[2:4], sys.argv[4:]))
Node(Path(sys.argv[1]), pause, coredns).start()
print("started", flush=True)
threading.Event().wait()
"""
SETTINGS = ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/bridge/bridge-nf-call-iptables")


def machine(folder):
    """What a node may have changed on this machine; a Docker engine's own is left out."""
    saved = [
        subprocess.run([each], capture_output=True, text=True, check=True).stdout
        for each in ("iptables-save", "ip6tables-save")
    ]
    return {
        "links": set(Path("/sys/class/net").iterdir()),
        "mounts": {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if "docker" not in line},
        "cgroups": {str(each) for each in Path("/sys/fs/cgroup").glob("*/*/") if "docker" not in each.name},
        "rules": {line for each in saved for line in each.splitlines() if line.startswith(("-A", ":KUBE", ":CNI"))},
        "settings": [Path(each).read_text() for each in SETTINGS if Path(each).exists()],
        "files": [str(each) for each in map(Path, ("/run/calve-node", "/var/log/containers")) if each.exists()],
        "processes": {each.pid for each in psutil.process_iter() if any(str(folder) in word for word in words(each))},
    }


def words(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def unbridged():
    """The firewall does not see what goes over a bridge, which a node changes."""
    setting = Path(SETTINGS[1])
    before = setting.read_text()
    setting.write_text("0\n")
    yield
    setting.write_text(before)


def test_its_end_leaves_the_machine_as_it_was(node_parts, unbridged, tmp_path):
    before = machine(tmp_path)
    node = Node(tmp_path, *node_parts)
    node.start()
    meanwhile = machine(tmp_path)

    node.stop()

    assert all(meanwhile[each] != before[each] for each in before)
    assert machine(tmp_path) == before


def test_a_start_that_fails_half_way_leaves_the_machine_as_it_was(node_parts, tmp_path):
    before = machine(tmp_path)
    node = Node(tmp_path, *node_parts)
    (tmp_path / "kubelet.conf").mkdir()

    with pytest.raises(IsADirectoryError):
        node.start()
    node.stop()

    assert machine(tmp_path) == before


def test_nothing_outlives_a_test_that_is_killed(node_parts, tmp_path):
    before = machine(tmp_path)
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    given = [each.reference for each in node_parts] + [str(each.file) for each in node_parts]
    command = [sys.executable, "-c", ALONE, str(tmp_path), *given]
    test = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert test.stdout.readline() == "started\n"

    test.send_signal(signal.SIGKILL)
    test.wait()

    with Path("/run/calve-node.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert machine(tmp_path) == before
