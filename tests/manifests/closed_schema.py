"""The operator's own schema of a SparkApplication, closed, so that a field that it doesn't know is a mistake.

The CRD is read where the Go client puts it; no copy of it is kept. Its templates have no schema: theirs is made of the
shapes of core/v1 that the CRD has elsewhere.
"""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import jsonschema
import yaml

from cluster.binary import give_up

MODULE = "github.com/kubeflow/spark-operator/v2@v2.5.0"
CRD = "charts/spark-operator-chart/crds/sparkoperator.k8s.io_sparkapplications.yaml"
ANYTHING = "x-kubernetes-preserve-unknown-fields"
NAMES = {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}


@cache
def application_schema() -> dict:
    """Return the closed schema; without Go the test is skipped, and fails in CI."""
    with (operator_module() / CRD).open() as file:
        crd = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    (version,) = [each for each in crd["spec"]["versions"] if each["name"] == "v1beta2"]
    schema = version["schema"]["openAPIV3Schema"]
    spec = schema["properties"]["spec"]["properties"]
    for part in ("driver", "executor"):
        spec[part]["properties"]["template"] = {"type": "object", "properties": {"spec": _pod_spec(spec)}}
    return _closed(schema)


def pod_schema() -> dict:
    """Return the closed schema of a Pod's manifest."""
    spec = application_schema()["properties"]["spec"]["properties"]
    whole = {"apiVersion": {"const": "v1"}, "kind": {"const": "Pod"}, "metadata": {"type": "object"}}
    whole |= {"spec": spec["driver"]["properties"]["template"]["properties"]["spec"]}
    return _closed({"type": "object", "required": list(whole), "properties": whole})


def mistakes(manifest: dict, schema: dict) -> list[str]:
    """Return what a schema has against a manifest."""
    found = jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    return [f"{'.'.join(map(str, each.absolute_path))}: {each.message}" for each in found]


def _pod_spec(spec: dict) -> dict:
    driver = spec["driver"]["properties"]
    container = driver["sidecars"]["items"]
    word, truth = {"type": "string"}, {"type": "boolean"}
    return {
        "type": "object",
        "required": ["containers"],
        "properties": {
            "containers": {"type": "array", "minItems": 1, "items": container},
            "initContainers": {"type": "array", "items": container},
            "volumes": spec["volumes"],
            "securityContext": driver["podSecurityContext"],
            "affinity": driver["affinity"],
            "tolerations": driver["tolerations"],
            "automountServiceAccountToken": truth,
            "enableServiceLinks": truth,
            "restartPolicy": {"enum": ["Always", "OnFailure", "Never"]},
            "serviceAccountName": word,
            "imagePullSecrets": NAMES,
            "terminationGracePeriodSeconds": {"type": "integer"},
        },
    }


def _closed(node):
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _closed(value) for key, value in node.items()}
    # A property may itself be called `properties`: only a schema has one beside its type.
    if isinstance(node.get("properties"), dict) and node.get("type") == "object" and not node.get(ANYTHING):
        found["additionalProperties"] = False
    return found


def operator_module() -> Path:
    """Return the folder of the operator's Go module; without Go the test is skipped, and fails in CI."""
    if shutil.which("go") is None:
        give_up("no Go on this machine, which brings the operator's CRD")
    asked = subprocess.run(
        ["go", "mod", "download", "-json", MODULE], capture_output=True, text=True, check=False, cwd="/"
    )
    if asked.returncode != 0:
        give_up(f"the Go client did not bring {MODULE}: {asked.stdout or asked.stderr}")
    return Path(json.loads(asked.stdout)["Dir"])
