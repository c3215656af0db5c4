"""The chart as Helm renders it, without a cluster."""

import json
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cluster.binary import helm

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/calve"
NAMESPACE = "calve-dev"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What has no default, because no default could be right.
NEEDED = {
    "images": {"spark": {"tag": "a1"}, "airflow": {"tag": "b2"}, "dev": {"tag": "c3"}},
    "settings": {"warehouse": "s3://bucket/lake", "snowflake": {"account": "ORG-ACCOUNT"}},
}


class Objects(dict):
    """What was rendered, by `Kind/name`."""

    def at(self, name: str, path: str) -> Any:
        """Return what an object holds at a path: keys and positions between spaces; None when it is not there."""
        found: Any = self.get(name)
        for key in path.split(" "):
            if isinstance(found, list):
                found = found[int(key)] if int(key) < len(found) else None
            else:
                found = (found or {}).get(key)
        return found


def render(values: dict, namespace: str = NAMESPACE, *, files: tuple[str, ...] = ()) -> Objects:
    """Return what the chart comes to with these values on top of what is needed."""
    done = _template(values, namespace, files)
    assert done.returncode == 0, done.stderr
    found = [each for each in yaml.load_all(done.stdout, Loader) if each]
    return Objects({f"{each['kind']}/{each['metadata']['name']}": each for each in found})


def refusal(values: dict, namespace: str = NAMESPACE) -> str:
    """Return what is said when these values are refused."""
    done = _template(values, namespace, ())
    assert done.returncode != 0, "it was rendered"
    return done.stderr


def merged(*layers: dict) -> dict:
    """Return values with later ones over earlier ones, as Helm lays files over each other."""
    found: dict = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(found.get(key), dict)
            found[key] = merged(found[key], value) if both else value
    return found


def nested(path: str, value: Any) -> dict:
    """Return values that set one of them."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


@cache
def schema() -> dict:
    return json.loads((CHART / "values.schema.json").read_text())


def leaves(node: dict, path: str = "") -> dict[str, dict]:
    """Return every value of a schema, by its path."""
    if "properties" not in node:
        return {path: node}
    return {
        name: leaf
        for key, child in node["properties"].items()
        for name, leaf in leaves(child, f"{path}.{key}".lstrip(".")).items()
    }


def _template(values: dict, namespace: str, files: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as given:
        json.dump(merged(NEEDED, values), given)
        given.flush()
        command = [helm(), "template", "calve", CHART, "--namespace", namespace, "--kube-version", "1.34.4"]
        for file in (*(CHART / each for each in files), given.name):
            command += ["--values", file]
        return subprocess.run(command, capture_output=True, text=True, check=False)
