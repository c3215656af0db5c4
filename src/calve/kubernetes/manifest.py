"""Turn a planned run into the SparkApplication that makes it, and a command into the Pod that runs it.

Pure: the same input gives the same manifest, and nothing is asked of a cluster. The fields are those of
`sparkoperator.k8s.io/v1beta2` and of core/v1; the tests hold each manifest against the operator's CRD with its schema
closed, because the CRD itself takes misspelt fields in silence.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from calve.contract.project import Project
from calve.kubernetes.deployment import Deployment
from calve.kubernetes.names import OWNER, SPEC, Origin, name_of_run, run_annotations, run_labels
from calve.planning import Planned
from calve.runs import Run

GROUP, VERSION, PLURAL = "sparkoperator.k8s.io", "v1beta2", "sparkapplications"
SPARK_VERSION = "3.5.9"
ENTRY = "local:///opt/calve/spark_apps/main.py"
DRIVER_CONTAINER, EXECUTOR_CONTAINER, COMMAND_CONTAINER = (
    "spark-kubernetes-driver",
    "spark-kubernetes-executor",
    "calve",
)
LOCAL_DIR = "/var/data/spark-local"
# A terminated application stays for a day, for people with kubectl.
KEEP_SECONDS = 24 * 3600
# Words that YAML 1.1 or 1.2 takes for a value.
_VALUES = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_USER = 10001
_EXECUTOR_NAMES = "spark.kubernetes.executor.podNamePrefix"


@dataclass(frozen=True)
class Size:
    """What an application may take. Memory is that of the process; Spark asks 10 to 40 % more for the pod.

    Attributes:
        driver_request: What of its cores a pod reserves on its node, `250m`; it may use more while nobody else does.
        executor_request: The same.
    """

    driver_cores: int
    driver_memory: str
    executor_cores: int
    executor_memory: str
    max_executors: int
    driver_request: str
    executor_request: str


SIZES = {
    # Fits beside Airflow on two cores: a driver mostly waits.
    "small": Size(1, "1g", 1, "1g", 2, "250m", "500m"),
    "medium": Size(1, "2g", 2, "4g", 4, "500m", "2"),
    "large": Size(2, "4g", 4, "8g", 16, "2", "4"),
}


def spark_application(
    project: Project, planned: Planned, deployment: Deployment, origin: Origin | None = None
) -> dict[str, Any]:
    """Return the SparkApplication that lands, curates, audits and publishes one run.

    It takes the lease itself: who submits it does not live as long. It is tried once; retries are the submitter's.
    """
    run = planned.run
    pipeline = project.pipelines[run.pipeline]
    name = origin.name if origin else name_of_run(run)
    labels = run_labels(run) | (origin.labels() if origin else {})
    annotations = run_annotations(run, project.digest) | {OWNER: pipeline.owner.team}
    annotations |= origin.annotations() if origin else {}
    size = SIZES[pipeline.size]
    spec = {
        "type": "Python",
        "mode": "cluster",
        "sparkVersion": SPARK_VERSION,
        "image": deployment.image,
        "imagePullPolicy": deployment.image_pull_policy,
        "imagePullSecrets": list(deployment.image_pull_secrets),
        "mainApplicationFile": ENTRY,
        "arguments": ["--digest", project.digest, "--run", f"{run.key}=take={planned.way}"],
        "restartPolicy": {"type": "Never"},
        "timeToLiveSeconds": KEEP_SECONDS,
        "sparkConf": _conf(deployment, name),
        "dynamicAllocation": _allocation(size),
        "driver": _driver(size, deployment) | {"labels": dict(labels), "annotations": dict(annotations)},
        "executor": _executor(size, deployment) | {"labels": dict(labels), "annotations": dict(annotations)},
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "SparkApplication",
        "metadata": {
            "name": name,
            "namespace": deployment.namespace,
            "labels": labels,
            "annotations": {**annotations, SPEC: spec_digest(spec)},
        },
        "spec": spec,
    }


def command_pod(
    project: Project, run: Run | None, command: Sequence[str], deployment: Deployment, origin: Origin
) -> dict[str, Any]:
    """Return the Pod that runs `calve …` once, in the Spark image, without Spark; `run` is what it works for."""
    template = _template(deployment, COMMAND_CONTAINER)
    container = template["spec"]["containers"][0]
    container |= {
        "image": deployment.image,
        "imagePullPolicy": deployment.image_pull_policy,
        "command": ["calve", *command],
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    }
    spec = template["spec"] | {
        "restartPolicy": "Never",
        "serviceAccountName": deployment.service_account,
        "imagePullSecrets": [{"name": name} for name in deployment.image_pull_secrets],
    }
    annotations = run_annotations(run, project.digest) if run else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": origin.name,
            "namespace": deployment.namespace,
            "labels": (run_labels(run) if run else {}) | origin.labels(),
            "annotations": annotations | origin.annotations() | {SPEC: spec_digest(spec)},
        },
        "spec": spec,
    }


def as_yaml(manifest: dict[str, Any]) -> str:
    """Return a manifest as YAML that is read alike by YAML 1.1, as kubectl does, and 1.2: no word becomes a value."""
    yaml, text = YAML(), io.StringIO()
    yaml.Representer = _Representer
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    yaml.dump(manifest, text)
    return text.getvalue()


class _Representer(RoundTripRepresenter):
    """Quotes what might be taken for anything but a word."""

    def word(self, text: str) -> Any:
        is_plain = re.fullmatch(r"[A-Za-z][\w./-]*", text, re.ASCII) and text.lower() not in _VALUES
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Representer.add_representer(str, _Representer.word)


def spec_digest(spec: dict[str, Any]) -> str:
    """Return what tells two specs apart, for taking up what an earlier try created.

    What only says which try asks (labels, annotations, names of executor pods) doesn't count: tries of one task
    instance that want the same get the same.
    """
    told = {
        key: {inner: value for inner, value in part.items() if inner not in ("labels", "annotations", _EXECUTOR_NAMES)}
        if key in ("driver", "executor", "sparkConf")
        else part
        for key, part in spec.items()
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _conf(deployment: Deployment, name: str) -> dict[str, str]:
    found = {
        # The session is named after the run; executor pods would be too.
        _EXECUTOR_NAMES: name,
        # Spark makes this folder, by default in the working directory, which is read-only here.
        "spark.sql.warehouse.dir": f"{LOCAL_DIR}/warehouse",
        "spark.ui.prometheus.enabled": "true",
    }
    if deployment.event_log_dir:
        found |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": deployment.event_log_dir}
    return found


def _allocation(size: Size) -> dict[str, Any]:
    return {
        "enabled": True,
        "shuffleTrackingEnabled": True,
        "initialExecutors": 1,
        "minExecutors": 1,
        "maxExecutors": size.max_executors,
    }


def _driver(size: Size, deployment: Deployment) -> dict[str, Any]:
    # Spark's driver makes its executors, with the token of its service account.
    template = _template(deployment, DRIVER_CONTAINER, asks_the_cluster=True)
    if deployment.event_log_claim:
        template["spec"]["volumes"].append(
            {"name": "event-log", "persistentVolumeClaim": {"claimName": deployment.event_log_claim}}
        )
        mounts = template["spec"]["containers"][0]["volumeMounts"]
        mounts.append({"name": "event-log", "mountPath": deployment.event_log_mount})
    return {
        "cores": size.driver_cores,
        "coreRequest": size.driver_request,
        "memory": size.driver_memory,
        "serviceAccount": deployment.service_account,
        "template": template,
    }


def _executor(size: Size, deployment: Deployment) -> dict[str, Any]:
    return {
        "instances": 1,
        "cores": size.executor_cores,
        "coreRequest": size.executor_request,
        "memory": size.executor_memory,
        "template": _template(deployment, EXECUTOR_CONTAINER),
    }


def _template(deployment: Deployment, container: str, *, asks_the_cluster: bool = False) -> dict[str, Any]:
    """Return a pod template that the Pod Security Standard `restricted` lets in, with a read-only root.

    Spark and the operator take it as the beginning of a pod and keep what they don't set themselves. The operator's
    webhook is off, so that whatever Spark has no setting for stands here.
    """
    sources = [{"configMapRef": {"name": name}} for name in deployment.config_maps]
    sources += [{"secretRef": {"name": name}} for name in deployment.secrets]
    # Spark takes volumes of such a name for its local directories.
    volumes = [("spark-local-dir-1", LOCAL_DIR), ("tmp", "/tmp")]  # noqa: S108  # inside the pod
    return {
        "spec": {
            "automountServiceAccountToken": asks_the_cluster,
            # A Service called calve-… would become CALVE_… variables, which settings would be read from.
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _USER,
                "fsGroup": _USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": container,
                    "env": [{"name": "CALVE_PROFILE", "value": "cluster"}],
                    "envFrom": sources,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": name, "mountPath": path} for name, path in volumes],
                }
            ],
            "volumes": [{"name": name, "emptyDir": {"sizeLimit": deployment.local_dir_size}} for name, _ in volumes],
        }
    }
