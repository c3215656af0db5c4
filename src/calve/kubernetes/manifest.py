"""Turn a planned run into the SparkApplication that makes it, and a command into the Pod that runs it.

Pure: the same input gives the same manifest, and nothing is asked of a cluster. The fields are those of
`sparkoperator.k8s.io/v1beta2` and of core/v1; the tests hold each manifest against the operator's CRD with its schema
closed, because the CRD itself takes misspelt fields in silence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calve.contract.project import Project
from calve.kubernetes.deployment import Deployment
from calve.kubernetes.names import SPEC, Origin, name_of_run, run_annotations, run_labels
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
_USER = 10001


@dataclass(frozen=True)
class Size:
    """What an application may take. Memory is that of the process; Spark asks 10 to 40 % more for the pod."""

    driver_cores: int
    driver_memory: str
    executor_cores: int
    executor_memory: str
    max_executors: int


SIZES = {
    "small": Size(1, "1g", 1, "1g", 2),
    "medium": Size(1, "2g", 2, "4g", 4),
    "large": Size(2, "4g", 4, "8g", 16),
}


def spark_application(
    project: Project, planned: Planned, deployment: Deployment, origin: Origin | None = None
) -> dict[str, Any]:
    """Return the SparkApplication that lands, curates, audits and publishes one run.

    It takes the lease itself: who submits it does not live as long. It is tried once; retries are the submitter's.
    """
    run = planned.run
    labels = run_labels(run) | (origin.labels() if origin else {})
    annotations = run_annotations(run, project.digest) | (origin.annotations() if origin else {})
    size = SIZES[project.pipelines[run.pipeline].size]
    spec = {
        "type": "Python",
        "pythonVersion": "3",
        "mode": "cluster",
        "sparkVersion": SPARK_VERSION,
        "image": deployment.image,
        "imagePullPolicy": deployment.image_pull_policy,
        "imagePullSecrets": list(deployment.image_pull_secrets),
        "mainApplicationFile": ENTRY,
        "arguments": ["--digest", project.digest, "--run", f"{run.key}=take={planned.mode}"],
        "restartPolicy": {"type": "Never"},
        "timeToLiveSeconds": KEEP_SECONDS,
        "sparkConf": _conf(deployment),
        "dynamicAllocation": {
            "enabled": True,
            "shuffleTrackingEnabled": True,
            "initialExecutors": 1,
            "minExecutors": 1,
            "maxExecutors": size.max_executors,
        },
        "driver": {
            "cores": size.driver_cores,
            "memory": size.driver_memory,
            "serviceAccount": deployment.service_account,
            "labels": labels,
            "annotations": annotations,
            "template": _template(deployment, DRIVER_CONTAINER),
        },
        "executor": {
            "instances": 1,
            "cores": size.executor_cores,
            "memory": size.executor_memory,
            "labels": labels,
            "annotations": annotations,
            "template": _template(deployment, EXECUTOR_CONTAINER),
        },
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "SparkApplication",
        "metadata": {
            "name": origin.name if origin else name_of_run(run),
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


def spec_digest(spec: dict[str, Any]) -> str:
    """Return what tells two specs apart, for taking up what an earlier try created."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


def _conf(deployment: Deployment) -> dict[str, str]:
    found = {
        "spark.ui.prometheus.enabled": "true",
    }
    if deployment.event_log_dir:
        found |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": deployment.event_log_dir}
    return found


def _template(deployment: Deployment, container: str) -> dict[str, Any]:
    """Return a pod template that the Pod Security Standard `restricted` lets in, with a read-only root."""
    sources = [{"configMapRef": {"name": name}} for name in deployment.config_maps]
    sources += [{"secretRef": {"name": name}} for name in deployment.secrets]
    # Spark takes a volume of this name for its local directories.
    volumes = [("spark-local-dir-1", LOCAL_DIR), ("tmp", "/tmp")]  # noqa: S108  # inside the pod
    return {
        "spec": {
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
