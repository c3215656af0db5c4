"""A real node under a control plane of its own: containerd, kubelet, kube-proxy and CoreDNS, on this machine.

It takes root and some Debian packages; without them the test is skipped, and fails in CI. There is one at a time. All
that it changes on this machine is undone when it stops, and also when whoever started it is killed (`sweeping`). Its
logs are in its folder; images are kept between runs.
"""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cluster import node_files, sweeping
from cluster.archives import Archive
from cluster.binary import HERE, cache_folder, give_up, kubernetes
from cluster.commands import Commands
from cluster.control_plane import KUBELET, PROXY, ControlPlane
from cluster.keys import write_pair
from cluster.node_files import DNS_SERVICE, DOMAIN, NODE, NODE_ADDRESS, NODE_LINK, POD_LINK, RUN, SOCKET
from cluster.settling import until

READY_SECONDS = 180.0
DEBIAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "modprobe": "kmod",
    "ip": "iproute2",
}
PLUGINS = Path("/usr/lib/cni/bridge")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGED = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


class Node:
    """A cluster of one node.

    Attributes:
        commands: kubectl and Helm for it.
    """

    def __init__(self, folder: Path, pause: Archive, coredns: Archive) -> None:
        _check_what_is_needed()
        self.folder, self._pause, self._coredns = folder, pause, coredns
        self._kept = cache_folder() / "node"
        self._images, self._in_use = self._kept / "containerd", self._kept / "in-use"
        self._mounted = [folder, self._images]
        self._lock = _only_one()
        self._sweeper: subprocess.Popen | None = None
        self.plane = ControlPlane(folder, NODE_ADDRESS)
        self.commands = Commands(folder / "kubeconfig")

    def start(self, images: Sequence[Archive] = ()) -> None:
        """Start everything, with these images in it; return when pods run and find services by name."""
        self._begin()
        self.plane.start()
        self.plane.write_kubeconfig(self.commands.kubeconfig)
        self._start_containerd()
        self._load([self._pause, self._coredns, *images])
        self._start_kubelet()
        self._start_dns()

    def stop(self) -> None:
        """End everything.

        Raises:
            RuntimeError: Something is left on this machine; says what.
        """
        processes = self.plane.processes
        with suppress(KeyError):
            processes.stop("kubelet")
        is_clean = "containerd" in processes.pids()
        if is_clean:
            self._remove_containers()
        processes.stop_all()
        code = 0
        if self._sweeper is not None:
            self._sweeper.stdin.close()
            code = self._sweeper.wait()
        if code == 0 and is_clean:
            self._in_use.unlink()
        os.close(self._lock)
        if code != 0:
            raise RuntimeError((self.folder / "sweeping.log").read_text())

    def load(self, image: Archive) -> None:
        """Bring an image into a node that runs."""
        if not any(each.endswith(f"/{image.reference}") for each in self._ctr("images", "list", "--quiet").split()):
            self._ctr("images", "import", str(image.file))

    def _begin(self) -> None:
        if sweeping.rules() and not self._in_use.exists():
            give_up("this machine is a node of somebody's already: kube-proxy's rules are in its firewall")
        sweeping.sweep(self._mounted)
        with (self.folder / "sweeping.log").open("wb") as log:
            self._sweeper = subprocess.Popen(
                [sys.executable, "-m", "cluster.sweeping", *map(str, self._mounted)],
                cwd=HERE.parent,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # It alone says when the next may start.
                pass_fds=[self._lock],
            )
        self._take_images()
        RUN.mkdir(mode=0o711)
        with suppress(RuntimeError):
            # A kernel that has them built in has no modules.
            _run("modprobe", "--all", "br_netfilter", "overlay")
        settings = [each for each in (FORWARDING, BRIDGED) if each.exists()]
        sweeping.CHANGED.write_text(json.dumps({str(each): each.read_text() for each in settings}))
        for each in settings:
            each.write_text("1")
        _run("ip", "link", "add", NODE_LINK, "type", "bridge")
        _run("ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", NODE_LINK)
        _run("ip", "link", "set", NODE_LINK, "up")
        for side in ("-i", "-o"):
            # A Docker engine drops what it does not know.
            _run("iptables", "-I", "FORWARD", side, POD_LINK, "-j", "ACCEPT")
        _make_cgroups()

    def _take_images(self) -> None:
        if self._in_use.exists():
            # Their last user was killed, and containers of its pods are among them.
            shutil.rmtree(self._kept)
        self._images.mkdir(parents=True, exist_ok=True)
        self._in_use.touch()

    def _start_containerd(self) -> None:
        (RUN / "containerd.toml").write_text(node_files.containerd(self._images, self._pause.reference))
        _write(RUN / "cni" / "10-bridge.conflist", node_files.network())
        self.plane.processes.start("containerd", ["containerd", "--config", str(RUN / "containerd.toml")])
        self._wait("containerd", lambda: self._ctr("version"))

    def _load(self, images: Sequence[Archive]) -> None:
        wanted = [f"/{each.reference}" for each in images]
        for each in self._ctr("images", "list", "--quiet").split():
            if not each.endswith(tuple(wanted)):
                self._ctr("images", "remove", each)
        for image in images:
            self.load(image)

    def _start_kubelet(self) -> None:
        key, certificate = write_pair(RUN, "kubelet", (NODE_ADDRESS,), (NODE,))
        (RUN / "resolv.conf").write_text(_upstream())
        config = node_files.kubelet(self.folder, self.plane.certificate, key, certificate)
        options = {
            "config": _write(RUN / "kubelet.json", config),
            "kubeconfig": self.plane.write_kubeconfig(self.folder / "kubelet.conf", KUBELET),
            "hostname-override": NODE,
            "node-ip": NODE_ADDRESS,
            "root-dir": self.folder / "kubelet",
            "cert-dir": self.folder,
        }
        self._run("kubelet", options)
        access = self.plane.write_kubeconfig(self.folder / "proxy.conf", PROXY)
        self._run("kube-proxy", {"config": _write(RUN / "proxy.json", node_files.proxy(access))})
        self._wait("kubelet", self._is_ready)

    def _run(self, component: str, options: dict[str, object]) -> None:
        given = [f"--{key}={value}" for key, value in options.items()]
        self.plane.processes.start(component, [str(kubernetes()), component, *given])

    def _is_ready(self) -> bool:
        found = self.commands.find("node", NODE)
        conditions = found["status"].get("conditions", []) if found else []
        return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)

    def _start_dns(self) -> None:
        self.commands.apply((HERE / "dns.yaml").read_text().replace("COREDNS", self._coredns.reference))
        self._wait("kube-proxy", lambda: _is_found(f"kubernetes.default.svc.{DOMAIN}"))

    def _remove_containers(self) -> None:
        """Leave containerd as if none had ever run; the images stay."""
        for each in self._ctr("tasks", "list", "--quiet").split():
            with suppress(RuntimeError):
                self._ctr("tasks", "rm", "--force", each)
        for each in self._ctr("containers", "list", "--quiet").split():
            self._ctr("containers", "rm", each)

    def _ctr(self, *words: str) -> str:
        return _run("ctr", "--address", str(SOCKET), "--namespace", "k8s.io", *words)

    def _wait(self, name: str, is_so) -> None:
        def looked() -> object:
            self.plane.processes.check(name)
            with suppress(RuntimeError, OSError):
                return is_so()
            return None

        until(looked, f"{name} is ready (its log is in {self.folder})", READY_SECONDS)


def _check_what_is_needed() -> None:
    missing = {package for name, package in PACKAGES.items() if shutil.which(name, path=DEBIAN_PATH) is None}
    missing |= set() if PLUGINS.exists() else {"containernetworking-plugins"}
    wanted = [f"the Debian packages {' '.join(sorted(missing))}"] if missing else []
    wanted += ["root"] if os.geteuid() != 0 else []
    if wanted:
        give_up(f"a node on this machine takes {' and '.join(wanted)}")


def _only_one() -> int:
    lock = os.open("/run/calve-node.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        msg = "a node runs on this machine already, or is being removed; there can be one at a time"
        raise RuntimeError(msg) from None
    return lock


def _make_cgroups() -> None:
    for hierarchy in sweeping.HIERARCHIES.iterdir():
        if not os.path.ismount(hierarchy):
            continue
        group = hierarchy / node_files.CGROUP
        group.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # A new one has none, and no process could be in it.
            if (group / name).exists():
                (group / name).write_text((hierarchy / name).read_text())


def _upstream() -> str:
    lines = [line for line in Path("/etc/resolv.conf").read_text().splitlines() if line.startswith("nameserver")]
    return "\n".join(line for line in lines if not line.split()[1].startswith("127.")) + "\n"


def _is_found(name: str) -> bool:
    """Ask the cluster's DNS for a name's address."""
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    asked = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.sendto(asked, (DNS_SERVICE, 53))
        answer = asking.recv(512)
    return answer[3] & 15 == 0 and struct.unpack(">H", answer[6:8])[0] > 0


def _write(file: Path, found: dict) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found))
    return file


def _run(*words: str) -> str:
    path = f"{DEBIAN_PATH}:{os.environ.get('PATH', '')}"
    done = subprocess.run(words, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"{' '.join(words)} ended with {done.returncode}; it said: {(done.stderr or done.stdout).strip()[-2000:]}"
        raise RuntimeError(msg)
    return done.stdout
