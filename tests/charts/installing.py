"""A control plane into which the chart is installed, as people do it: by Helm and kubectl."""

import base64
import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from charts.rendering import CHART, NEEDED, Loader, merged
from cluster.binary import helm, kubernetes
from cluster.control_plane import ControlPlane

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
SECRETS = {
    "calve-secrets": ("CALVE_CATALOG_URL", "CALVE_SOURCE_URL", "CALVE_HASH_KEY", "CALVE_SNOWFLAKE_PASSWORD"),
    "calve-airflow": ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "CALVE_CATALOG_URL"),
    "calve-airflow-keys": ("fernetKey", "jwtSecret", "apiSecretKey", "passwords.json"),
}
_numbers = itertools.count(1)


class Installing:
    """What a person with the administrator's kubeconfig can do."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.plane = folder, ControlPlane(folder)
        self._kubeconfig = self.plane.write_kubeconfig(folder / "administrator.json")

    def namespace(
        self, name: str = "", *, secrets: tuple[str, ...] = ("calve-secrets", "calve-airflow"), without: str = ""
    ) -> str:
        """Make a namespace in which Pod Security enforces `restricted`, with secrets that lack a key, or nothing."""
        found = name or f"calve-{next(_numbers)}"
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": found, "labels": RESTRICTED}})
        # A controller of real clusters makes it.
        self.kubectl("create", "serviceaccount", "default", "-n", found)
        for secret in secrets:
            data = {key: "x" for key in SECRETS[secret] if key != without}
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret, "namespace": found}}
            self.create({**body, "stringData": data})
        return found

    def install(self, namespace: str, values: dict | None = None, *words: str) -> None:
        """Install or upgrade the release `calve`."""
        done = self.try_install(namespace, values, *words)
        assert done.returncode == 0, done.stderr

    def try_install(self, namespace: str, values: dict | None = None, *words: str) -> subprocess.CompletedProcess[str]:
        """The same, when it may be refused."""
        given = self.folder / f"values-{next(_numbers)}.json"
        given.write_text(json.dumps(merged(NEEDED, values or {})))
        return self.helm("upgrade", "--install", "calve", CHART, "-n", namespace, *words, "-f", given)

    def helm(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run Helm."""
        return self._run(helm(), *words)

    def kubectl(self, *words: object, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl."""
        return self._run(kubernetes(), "kubectl", *words, given=given)

    def create(self, body: dict) -> None:
        """Make an object."""
        done = self.kubectl("create", "-f", "-", given=json.dumps(body))
        assert done.returncode == 0, done.stderr

    def get(self, namespace: str, kind: str, name: str) -> dict[str, Any]:
        """Return an object; empty when it is not there."""
        done = self.kubectl("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def names(self, namespace: str, kind: str) -> list[str]:
        """Return the names of all objects of a kind."""
        done = self.kubectl("get", kind, "-n", namespace, "-o", "jsonpath={.items[*].metadata.name}")
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def data(self, namespace: str, secret: str) -> dict[str, str]:
        """Return what is in a secret."""
        found = self.get(namespace, "secret", secret).get("data", {})
        return {key: base64.b64decode(value).decode() for key, value in found.items()}

    def manifests(self, namespace: str) -> list[dict[str, Any]]:
        """Return the objects of the release, its tests included."""
        told = [self.helm("get", what, "calve", "-n", namespace).stdout for what in ("manifest", "hooks")]
        return [each for text in told for each in yaml.load_all(text, Loader) if each]

    def token(self, namespace: str, account: str) -> str:
        """Return a token of a service account."""
        done = self.kubectl("create", "token", account, "-n", namespace)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def kubeconfig_of(self, namespace: str, account: str) -> Path:
        """Write the kubeconfig of a service account."""
        found = json.loads(self._kubeconfig.read_text())
        found["users"][0]["user"]["token"] = self.token(namespace, account)
        file = self.folder / f"kubeconfig-{namespace}-{account}"
        file.write_text(json.dumps(found))
        return file

    def _run(self, *command: object, given: str | None = None) -> subprocess.CompletedProcess[str]:
        words = [*map(str, command), "--kubeconfig", str(self._kubeconfig)]
        return subprocess.run(words, input=given, capture_output=True, text=True, check=False, timeout=300)


def pods_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pods that a controller would make of an object, or the object when it is one."""
    if manifest["kind"] == "Pod":
        return [manifest]
    template = manifest.get("spec", {}).get("template")
    if template is None:
        return []
    metadata = {"name": f"try-{manifest['metadata']['name']}"[:63], **template["metadata"]}
    spec = dict(template["spec"])
    claims = [each["metadata"]["name"] for each in manifest["spec"].get("volumeClaimTemplates", [])]
    spec["volumes"] = [*spec.get("volumes", []), *({"name": name, "emptyDir": {}} for name in claims)]
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}]
