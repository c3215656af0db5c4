"""A real control plane: etcd, kube-apiserver, the controllers that tests need, and the operator's CRD.

On 127.0.0.1 it takes no root and no network, and a pod runs nowhere. At the address of a node it has the scheduler and
all controllers too. All files are in one folder, which the caller removes.
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
from cluster.node_files import API_SERVICE, DOMAIN, NODE, SERVICES
from cluster.processes import Processes
from cluster.settling import until
from manifests.closed_schema import CRD, operator_module
from unused_ports import free_ports

START_SECONDS = 120.0
# Others would evict pods from a node that nobody runs.
CONTROLLERS = ("garbage-collector-controller", "namespace-controller", "resourcequota-controller")
API_HOSTS = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}")
ADMIN, KUBELET = "admin", f"system:node:{NODE}"
MANAGER, SCHEDULER, PROXY = (f"system:kube-{each}" for each in ("controller-manager", "scheduler", "proxy"))
GROUPS = {ADMIN: "system:masters", KUBELET: "system:nodes"}
# Who asked what, and no bodies: what each service account really uses.
AUDITED = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}
AUDITED |= {"rules": [{"level": "Metadata"}]}
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class ControlPlane:
    """One cluster without nodes, or the head of a node.

    Attributes:
        url: Where the API server is; `token` is an administrator's, `certificate` the one that it shows.
    """

    def __init__(self, folder: Path, node_address: str = "") -> None:
        self.folder, self.processes = folder, Processes(folder)
        self._tokens = {user: secrets.token_hex(16) for user in (ADMIN, MANAGER, SCHEDULER, PROXY, KUBELET)}
        self.token = self._tokens[ADMIN]
        ports = free_ports(5)
        port, self._etcd_port, self._peer_port, self._controllers_port, self._scheduler_port = ports
        self._has_node, self._address = bool(node_address), node_address or LOCALHOST
        self.url = f"https://{self._address}:{port}"
        reached_at = (LOCALHOST, self._address, API_SERVICE)
        self.key, self.certificate = write_pair(folder, "apiserver", reached_at, API_HOSTS)
        self._binary = str(kubernetes())
        lines = [f"{token},{user},{user},{GROUPS.get(user, '')}" for user, token in self._tokens.items()]
        (folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        (folder / "audited.json").write_text(json.dumps(AUDITED))

    def start(self) -> None:
        """Start everything; return when a SparkApplication can be created."""
        self._start_etcd()
        self.start_apiserver()
        if self._has_node:
            self._start_controllers(self._of_a_node())
            self._start_scheduler()
            return
        self.define_applications()
        self._start_controllers({"controllers": ",".join(CONTROLLERS)})

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
            "bind-address": self._address,
            "advertise-address": self._address,
            "secure-port": port,
            "authorization-mode": "Node,RBAC",
            "token-auth-file": self.folder / "tokens.csv",
            "tls-private-key-file": self.key,
            "tls-cert-file": self.certificate,
            "service-account-issuer": f"https://kubernetes.default.svc.{DOMAIN}",
            "service-account-key-file": self.key,
            "service-account-signing-key-file": self.key,
            "service-cluster-ip-range": SERVICES,
            "kubelet-preferred-address-types": "InternalIP",
            # Of a kubelet that asks nobody who they are.
            "kubelet-client-certificate": self.certificate,
            "kubelet-client-key": self.key,
            "profiling": "false",
        }
        if self._has_node:
            audit = {"audit-policy-file": self.folder / "audited.json", "audit-log-path": self.folder / "audit.log"}
            options |= {"enable-admission-plugins": "NodeRestriction", "allow-privileged": "true", **audit}
        else:
            # The reconciler would announce an address that is this machine's own.
            options["endpoint-reconciler-type"] = "none"
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

    def write_kubeconfig(self, file: Path, user: str = ADMIN) -> Path:
        """Write a user's kubeconfig."""
        cluster = {"server": self.url, "certificate-authority": str(self.certificate)}
        found = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self._tokens[user]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
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

    def _of_a_node(self) -> dict[str, object]:
        return {
            "controllers": "*",
            "use-service-account-credentials": "true",
            "service-account-private-key-file": self.key,
            "root-ca-file": self.certificate,
            "allocate-node-cidrs": "false",
        }

    def _start_controllers(self, own: dict[str, object]) -> None:
        user = MANAGER if self._has_node else ADMIN
        options = own | {
            "kubeconfig": self.write_kubeconfig(self.folder / "controllers.conf", user),
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

    def _start_scheduler(self) -> None:
        options = {
            "kubeconfig": self.write_kubeconfig(self.folder / "scheduler.conf", SCHEDULER),
            "leader-elect": "false",
            "bind-address": LOCALHOST,
            "secure-port": str(self._scheduler_port),
        }
        self._run("scheduler", "kube-scheduler", options)
        with self.client() as client:
            # Without it no pod is let in.
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            self._wait("controllers", lambda: client.get(account).status_code == httpx.codes.OK)

    def define_applications(self) -> None:
        """Bring the operator's CRD, as its chart does."""
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
