"""A real control plane on 127.0.0.1: etcd, kube-apiserver and the controllers that tests need, with the operator's CRD.

No root, no network, no node: a pod runs nowhere. All files are in one folder, which the caller removes.
"""

import json
import secrets
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import yaml

from calve.kubernetes.manifest import GROUP, PLURAL, VERSION
from cluster.binary import kubernetes
from cluster.keys import LOCALHOST, write_pair
from cluster.processes import Processes
from cluster.settling import until
from manifests.closed_schema import CRD, operator_module
from unused_ports import free_ports

START_SECONDS = 120.0
# Others would evict pods from a node that nobody runs.
CONTROLLERS = ("garbage-collector-controller", "namespace-controller", "resourcequota-controller")
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class ControlPlane:
    """One cluster without nodes.

    Attributes:
        url: Where the API server is; `token` is an administrator's, `certificate` the one that it shows.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, Processes(folder)
        self.token = secrets.token_hex(16)
        port, self._etcd_port, self._peer_port, self._controllers_port = free_ports(4)
        self.url = f"https://{LOCALHOST}:{port}"
        self.key, self.certificate = write_pair(folder, "apiserver")
        self._binary = str(kubernetes())
        (folder / "tokens.csv").write_text(f"{self.token},admin,1,system:masters\n")

    def start(self) -> None:
        """Start everything; return when a SparkApplication can be created."""
        self._start_etcd()
        self.start_apiserver()
        self._define_applications()
        self._start_controllers()

    def stop(self) -> None:
        """End everything."""
        self.processes.stop_all()

    def start_apiserver(self) -> None:
        """Start the API server and wait until it answers; one that runs goes on."""
        if "apiserver" in self.processes.pids():
            return
        etcd, port = f"http://{LOCALHOST}:{self._etcd_port}", self.url.rpartition(":")[2]
        options = {
            "etcd-servers": etcd,
            "bind-address": LOCALHOST,
            "advertise-address": LOCALHOST,
            "secure-port": port,
            # The reconciler would announce an address that is this machine's own.
            "endpoint-reconciler-type": "none",
            "authorization-mode": "RBAC",
            "token-auth-file": self.folder / "tokens.csv",
            "tls-private-key-file": self.key,
            "tls-cert-file": self.certificate,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self.key,
            "service-account-signing-key-file": self.key,
            "service-cluster-ip-range": "10.96.0.0/16",
            "kubelet-preferred-address-types": "InternalIP",
            # Of a kubelet that asks nobody who they are.
            "kubelet-client-certificate": self.certificate,
            "kubelet-client-key": self.key,
            "profiling": "false",
        }
        self._run("apiserver", "kube-apiserver", options)
        with self.client() as client:
            self._wait("apiserver", lambda: client.get("/readyz").status_code == httpx.codes.OK)

    def kill_apiserver(self) -> None:
        """Kill the API server; the objects are etcd's."""
        self.processes.kill("apiserver")

    def client(self) -> httpx.Client:
        """Return an administrator's client."""
        return httpx.Client(**self.access())

    def access(self) -> dict:
        """Return what an httpx client of the administrator is made with."""
        trusted = ssl.create_default_context(cafile=str(self.certificate))
        return {
            "base_url": self.url,
            "headers": {"Authorization": f"Bearer {self.token}"},
            "verify": trusted,
            "timeout": 60,
            "trust_env": False,
        }

    def write_kubeconfig(self, file: Path) -> Path:
        """Write the administrator's kubeconfig."""
        cluster = {"server": self.url, "certificate-authority": str(self.certificate)}
        found = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        file.write_text(json.dumps(found))
        return file

    def _start_etcd(self) -> None:
        own, peers = (f"http://{LOCALHOST}:{port}" for port in (self._etcd_port, self._peer_port))
        options = {
            "name": "test",
            "data-dir": self.folder / "etcd",
            "listen-client-urls": own,
            "advertise-client-urls": own,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"test={peers}",
            "log-level": "warn",
            # Nothing here outlives a crash of the machine.
            "unsafe-no-fsync": "true",
        }
        self._run("etcd", "etcd", options)
        with httpx.Client(trust_env=False) as client:
            self._wait("etcd", lambda: client.get(f"{own}/health").status_code == httpx.codes.OK)

    def _start_controllers(self) -> None:
        kubeconfig = self.write_kubeconfig(self.folder / "kubeconfig")
        options = {
            "kubeconfig": kubeconfig,
            "controllers": ",".join(CONTROLLERS),
            "leader-elect": "false",
            "bind-address": LOCALHOST,
            "secure-port": str(self._controllers_port),
            "tls-private-key-file": self.key,
            "tls-cert-file": self.certificate,
        }
        self._run("controllers", "kube-controller-manager", options)
        health = f"https://{LOCALHOST}:{self._controllers_port}/healthz"
        with self.client() as client:
            self._wait("controllers", lambda: client.get(health).status_code == httpx.codes.OK)

    def _define_applications(self) -> None:
        with (operator_module() / CRD).open() as file:
            crd = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        address = f"/apis/{GROUP}/{VERSION}/{PLURAL}"
        with self.client() as client:
            client.post(CRDS, json=crd).raise_for_status()
            # Established is said a moment before it is served.
            self._wait("apiserver", lambda: client.get(address).status_code == httpx.codes.OK)
            # The garbage collector asks once, and then not for half a minute.
            self._wait("apiserver", lambda: PLURAL in client.get("/apis", headers={"Accept": DISCOVERY}).text)

    def _run(self, name: str, component: str, options: dict[str, object]) -> None:
        given = [f"--{key}={value}" for key, value in options.items()]
        self.processes.start(name, [self._binary, component, *given])

    def _wait(self, name: str, is_there: Callable[[], bool]) -> None:
        def looked() -> bool:
            self.processes.check(name)
            try:
                return is_there()
            except httpx.TransportError:
                return False

        until(looked, f"{name} answers (its log is in {self.folder})", START_SECONDS)
