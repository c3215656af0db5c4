"""Remove what a node leaves on this machine: processes, mounts, links, rules and cgroups, whoever ended it and how.

Runs as a process beside the node: `python -m cluster.sweeping FOLDER…`. Standard input is a pipe that the node's
owner holds and never writes to; when it closes, the node is over or its owner was killed, and everything is removed.
Knows what is the node's by names that nobody else uses (`node_files`). Never ends with something left and the code 0.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from cluster.node_files import CGROUP, NETWORK, NODE_LINK, POD_LINK, RUN

HIERARCHIES = Path("/sys/fs/cgroup")
RESULTS, LOGS = Path("/var/lib/cni/results"), Path("/var/log/containers")
KUBELETS_SOCKET = Path("/var/lib/kubelet/device-plugins/kubelet.sock")
MADE_BY_A_KUBELET = (LOGS, *KUBELETS_SOCKET.parents[:2])
FIREWALLS = ("iptables", "ip6tables")
# In a chain of kube-proxy's, or leading to one; about the pods' link or network.
OWN_RULE = re.compile(rf'^-A KUBE-| -j KUBE-| {POD_LINK} |name: \\?"{NETWORK}\\?" ')
CHANGED = RUN / "changed.json"
END_SECONDS = 20.0


def main(folders: list[str]) -> int:
    """Wait until the owner is gone, and sweep."""
    # A Ctrl-C goes to the whole terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    left = sweep([Path(each) for each in folders])
    if left:
        sys.stderr.write("\n".join(["left on this machine:", *left, ""]))
    return 1 if left else 0


def sweep(folders: list[Path]) -> list[str]:
    """Remove everything; return what could not be.

    Args:
        folders: Below which the node mounts something, besides its own below /run.
    """
    _until(lambda: not _kill_all())
    for place in sorted(mounts(folders), reverse=True):
        _run(["umount", "-l", place])
    for program in FIREWALLS:
        _run([f"{program}-restore", "--noflush"], _undone(program))
    for link in links():
        _run(["ip", "link", "del", link])
    # A cgroup is busy for a moment after its last process.
    _until(_remove_cgroups)
    _restore()
    _remove_files(folders)
    return remains(folders)


def remains(folders: list[Path]) -> list[str]:
    """Return all that is a node's on this machine now."""
    return [
        *(f"process {each.pid}: {' '.join(_words(each))}" for each in processes()),
        *(f"mount {each}" for each in mounts(folders)),
        *(f"link {each}" for each in links()),
        *(f"rule {each}" for each in rules()),
        *(f"cgroup {each}" for each in cgroups()),
        *([f"folder {RUN}"] if RUN.exists() else []),
    ]


def processes() -> list[psutil.Process]:
    """Return containers' processes, their shims, and whatever names the node's folder."""
    inside = {int(pid) for group in cgroups() for pid in _lines(group / "cgroup.procs")}
    own = os.getpid()
    found = []
    for each in psutil.process_iter():
        named = any(word.startswith((f"{RUN}/", f"--config={RUN}/")) for word in _words(each))
        if each.pid != own and (each.pid in inside or named):
            found.append(each)
    return found


def mounts(folders: list[Path]) -> list[str]:
    """Return what is mounted below the node's folders."""
    places = [line.split()[1] for line in _lines(Path("/proc/mounts"))]
    return [each for each in places if any(each.startswith(f"{folder}/") for folder in (RUN, *folders))]


def links() -> list[str]:
    """Return the node's bridges; a pod's end of a wire goes with the pod's namespace."""
    return [name for name in (NODE_LINK, POD_LINK) if Path("/sys/class/net", name).exists()]


def rules() -> list[str]:
    """Return the rules and chains of kube-proxy and of the pods' network."""
    return [f"{program} {line}" for program in FIREWALLS for line in _undone(program).splitlines() if line[0] == "-"]


def cgroups() -> list[Path]:
    """Return the node's cgroups in all hierarchies, the inner ones first."""
    found = [each for root in HIERARCHIES.glob(f"*/{CGROUP}") for each in (root, *root.rglob("*")) if each.is_dir()]
    return sorted(found, key=lambda each: len(each.parts), reverse=True)


def _kill_all() -> bool:
    found = processes()
    for each in found:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    return bool(found)


def _undone(program: str) -> str:
    """Return what a firewall is given to lose the node's rules and chains."""
    tables = re.split(r"^\*", _run([f"{program}-save"]), flags=re.MULTILINE)[1:]
    return "".join(_undone_in(*each.split("\n", 1)) for each in tables)


def _undone_in(table: str, saved: str) -> str:
    lines = saved.splitlines()
    own = [line for line in lines if line.startswith("-A ") and OWN_RULE.search(line)]
    others = " ".join(line for line in lines if line.startswith("-A ") and line not in own)
    chains = [line[1:].split()[0] for line in lines if line.startswith((":KUBE-", ":CNI-"))]
    # One of the network's that other rules name is somebody else's.
    gone = [each for each in chains if each not in others]
    told = [*(f"-D {line[3:]}" for line in own), *(f"-X {each}" for each in gone)]
    return "\n".join([f"*{table}", *told, "COMMIT", ""]) if told else ""


def _remove_cgroups() -> bool:
    for each in cgroups():
        with suppress(OSError):
            each.rmdir()
    return not cgroups()


def _restore() -> None:
    """Give the kernel's settings back the values that the node found."""
    with suppress(FileNotFoundError, json.JSONDecodeError):
        for name, value in json.loads(CHANGED.read_text()).items():
            Path(name).write_text(value)


def _remove_files(folders: list[Path]) -> None:
    for sandbox in (RUN / "containerd").glob("*/sandboxes/*"):
        for result in RESULTS.glob(f"*-{sandbox.name}-*"):
            result.unlink(missing_ok=True)
    for link in LOGS.glob("*.log"):
        if link.is_symlink() and any(link.readlink().is_relative_to(each) for each in folders):
            link.unlink()
    # A kubelet would have its own there, and this machine has none.
    KUBELETS_SOCKET.unlink(missing_ok=True)
    for folder in MADE_BY_A_KUBELET:
        # Somebody else's have something in them.
        with suppress(OSError):
            folder.rmdir()
    shutil.rmtree(RUN, ignore_errors=True)


def _until(is_so: Callable[[], bool]) -> None:
    ends, pause = time.monotonic() + END_SECONDS, threading.Event()
    while not is_so() and time.monotonic() < ends:
        pause.wait(0.1)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _lines(file: Path) -> Iterator[str]:
    with suppress(OSError):
        yield from file.read_text().splitlines()


def _run(words: list[str], given: str = "") -> str:
    return subprocess.run(words, input=given, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
