"""calve in one namespace, driven as a person drives it: by Helm, by Airflow's REST API and by kubectl."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from the_cluster import ROOT, Cluster

from calve.standin.airflow.rest import Rest
from cluster.binary import OPERATOR, kubernetes, released
from cluster.processes import Processes
from cluster.settling import until
from unused_ports import free_ports

HERE = Path(__file__).parent
MAKE = "land_curate_audit_and_publish"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
INSTALL_SECONDS, RUN_SECONDS = 900, 1800
T = TypeVar("T")
# What an administrator of Snowflake does once; the statements are those of docs/snowflake.md.
ADMINISTER = """
from calve.contract.loader import load_project
from calve.settings import load_settings, project_folder
from calve.warehouse.account import prepare_account
from calve.warehouse.grants import all_readers
from calve.warehouse.names import Names
settings = load_settings()
prepare_account(settings, Names.of(settings), all_readers(load_project(project_folder())))
"""


def soon(told: Callable[[], T], what: str, seconds: float = RUN_SECONDS) -> T:
    """Return the first answer that is true of a question asked again and again."""
    found: list[T] = []

    def asked() -> bool:
        # A busy machine answers late; the next answer is as good.
        with suppress(OSError):
            found.append(told())
            return bool(found[-1])
        return False

    until(asked, what, seconds)
    return found[-1]


def make_namespace(cluster: Cluster, name: str) -> None:
    """Make a namespace that takes restricted pods only."""
    cluster.commands.kubectl("create", "namespace", name)
    cluster.commands.kubectl("label", "namespace", name, RESTRICTED)


def install_operator(cluster: Cluster, namespaces: list[str]) -> None:
    """Install the Spark operator by its own chart with our values."""
    make_namespace(cluster, "spark-operator")
    repository, tag = cluster.images["operator"].split(":")
    registry, _, repository = repository.rpartition("/")
    chart = released(OPERATOR) / "charts" / "spark-operator-chart"
    image = f"image.registry={registry},image.repository={repository},image.tag={tag}"
    watched = f"spark.jobNamespaces={{{','.join(namespaces)}}}"
    files = ["-f", str(ROOT / "charts/spark-operator/values.yaml"), "-f", str(HERE / "operator-values.yaml")]
    words = ["upgrade", "--install", "spark-operator", str(chart), "-n", "spark-operator", *files]
    cluster.commands.helm(*words, "--set", image, "--set", watched, "--wait", "--timeout", f"{INSTALL_SECONDS}s")


class Release:
    """calve, installed into a namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self._processes = Processes(cluster.folder)
        self._rest: Rest | None = None
        self._commands = 0

    def install(self) -> None:
        """Install or upgrade; return when everything is ready."""
        images = [
            f"images.{name}.tag={self.cluster.images[name].split(':')[1]}" for name in ("spark", "airflow", "dev")
        ]
        files = ["-f", str(ROOT / "charts/calve/values-dev.yaml"), "-f", str(HERE / "values.yaml")]
        words = ["upgrade", "--install", "calve", str(ROOT / "charts/calve"), "-n", self.namespace, *files]
        set_to = ",".join([*images, f"namespace={self.namespace}"])
        self.cluster.commands.helm(
            *words, "--set", set_to, "--wait", "--wait-for-jobs", "--timeout", f"{INSTALL_SECONDS}s"
        )

    def stop(self) -> None:
        """End what this machine runs to reach it."""
        self._processes.stop_all()

    def kubectl(self, *words: str) -> str:
        return self.cluster.commands.kubectl("-n", self.namespace, *words)

    def get(self, *words: str) -> list[dict[str, Any]]:
        """Return objects of a kind."""
        found: list[dict[str, Any]] = self.cluster.commands.get("-n", self.namespace, *words)["items"]
        return found

    def source(self, *words: str) -> str:
        """Do something to the generated source: `fill`, `plant`."""
        return self.kubectl("exec", "statefulset/calve-dev-postgres", "--", "calve-dev", *words)

    def calve(self, *words: str) -> str:
        """Run a command as its pods do."""
        self._commands += 1
        return self.in_a_pod(f"command-{self._commands}", "calve", *words)

    def in_a_pod(self, name: str, *command: str) -> str:
        """Run a command in a pod of the Spark image with the settings, to its end, and return what it printed."""
        file = self.cluster.folder / f"{self.namespace}-{name}.json"
        file.write_text(json.dumps(self._pod(name, command)))
        self.kubectl("apply", "-f", str(file))
        phases = ("Succeeded", "Failed")
        words = ("get", "pod", name, "-o", "jsonpath={.status.phase}")
        phase = soon(lambda: found if (found := self.kubectl(*words)) in phases else "", f"pod {name} ends", 300)
        told = self.kubectl("logs", name)
        assert phase == "Succeeded", told
        return told

    def trigger(self, dag: str, interval: str) -> DagRun:
        """Start a run, as soon as the DAG was parsed."""
        soon(lambda: dag in [each["dag_id"] for each in self.rest("GET", "/dags")["dags"]], f"{dag} is parsed", 300)
        asked = {"logical_date": None, "conf": {"interval": interval}}
        return DagRun(self, dag, self.rest("POST", f"/dags/{dag}/dagRuns", asked)["dag_run_id"])

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Ask Airflow; the way to it is opened anew when it was closed, as by a pod that went."""
        if "port-forward" not in self._processes.pids():
            self._rest = None
        if self._rest is None:
            self._open()
        assert self._rest is not None
        try:
            return self._rest(method, path, body)
        except OSError:
            self._rest = None
            raise

    def _open(self) -> None:
        (port,) = free_ports(1)
        config = f"--kubeconfig={self.cluster.commands.kubeconfig}"
        command = [str(kubernetes()), "kubectl", config, "-n", self.namespace, "port-forward", "svc/calve-api-server"]
        self._processes.start("port-forward", [*command, f"{port}:8080"])
        secret = json.loads(self.kubectl("get", "secret", "calve-airflow-keys", "-o", "json"))
        password = json.loads(base64.b64decode(secret["data"]["passwords.json"]))["admin"]
        opened = Rest(f"http://127.0.0.1:{port}", "admin", password)

        def answers() -> bool:
            self._processes.check("port-forward")
            with suppress(OSError):
                return bool(opened("GET", "/dags"))
            return False

        until(answers, "Airflow answers", 60)
        self._rest = opened

    def _pod(self, name: str, command: tuple[str, ...]) -> dict[str, Any]:
        container = {
            "name": "calve",
            "image": self.cluster.images["spark"],
            "command": list(command),
            "env": [{"name": "CALVE_PROFILE", "value": "cluster"}],
            "envFrom": [{"configMapRef": {"name": "calve-settings"}}, {"secretRef": {"name": "calve-secrets"}}],
            "resources": {"requests": {"cpu": "20m", "memory": "256Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        }
        spec = {
            "restartPolicy": "Never",
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        }
        labels = next(iter(self.get("pods", "-l", "app.kubernetes.io/component=scheduler")))["metadata"]["labels"]
        kept = {
            key: value
            for key, value in labels.items()
            if key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")
        }
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": kept}, "spec": spec}


class DagRun:
    """One run of a DAG."""

    def __init__(self, release: Release, dag: str, name: str) -> None:
        self.release, self.dag, self.begun = release, dag, datetime.now(UTC)
        self._path = f"/dags/{dag}/dagRuns/{quote(name, safe='')}"

    @property
    def state(self) -> str:
        return str(self.release.rest("GET", self._path)["state"])

    def task(self, task: str = MAKE) -> dict[str, Any]:
        found: dict[str, Any] = self.release.rest("GET", f"{self._path}/taskInstances/{task}")
        return found

    def log(self, task: str = MAKE) -> str:
        """Return the log of a task's last try."""
        attempt = self.task(task)["try_number"]
        content = self.release.rest("GET", f"{self._path}/taskInstances/{task}/logs/{attempt}?full_content=true")
        return "\n".join(json.dumps(line) for line in content["content"])

    def until_over(self) -> str:
        return soon(lambda: self.state if self.state in ("success", "failed") else "", f"run of {self.dag} is over")

    def applications(self) -> list[dict[str, Any]]:
        """Return those that were made for its pipeline."""
        return self.release.get("sparkapplications", "-l", f"calve.dev/pipeline={self.dag}")

    def pods(self, role: str) -> list[dict[str, Any]]:
        """Return its pipeline's drivers or executors that run."""
        found = self.release.get("pods", "-l", f"calve.dev/pipeline={self.dag},spark-role={role}")
        return [each for each in found if each["status"]["phase"] == "Running"]
