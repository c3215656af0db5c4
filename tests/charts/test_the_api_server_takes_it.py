import json

import pytest

from calve.contract.loader import load_project
from calve.kubernetes.deployment import Deployment
from calve.kubernetes.manifest import spark_application
from calve.lake.attempts import CHANGES
from calve.planning import Planned
from calve.runs import Run
from charts.installing import pods_of
from charts.rendering import CHART, ROOT, render
from cluster.control_plane import CRDS

MONITORS = {
    "metadata": {"name": "podmonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "names": {"kind": "PodMonitor", "plural": "podmonitors", "singular": "podmonitor"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
ALL = {
    "airflow": {"ingress": {"enabled": True, "host": "a.example.com", "tlsSecretName": "tls"}},
    "history": {"enabled": True},
    "metrics": {"dashboard": {"enabled": True}, "otlpEndpoint": "http://p.example.com"},
    "networkPolicy": {"uiNamespaces": ["a"], "metricsNamespaces": ["b"]},
    "quota": {"hard": {"pods": "99"}, "defaultMemory": "1Gi"},
    "development": {"enabled": True, "persistence": {"enabled": True}},
    "images": {"pullSecrets": ["pull"]},
    "settings": {"snowflake": {"account": ""}},
}
ENVIRONMENTS = {
    "values-dev.yaml": ("calve-dev", ()),
    "values-prod.yaml": ("calve-prod", ("calve-secrets", "calve-airflow", "calve-airflow-keys")),
}


@pytest.fixture(scope="module")
def environments(installing):
    """Both environments, installed beside each other by their own files of values."""
    with installing.plane.client() as client:
        client.post(CRDS, json=MONITORS).raise_for_status()
    for file, (namespace, secrets) in ENVIRONMENTS.items():
        installing.namespace(namespace, secrets=secrets, without="CALVE_SNOWFLAKE_PASSWORD")
        words = [f"--set-string=images.{part}.tag=a1" for part in ("spark", "airflow", "dev")]
        chart = CHART / file
        done = installing.helm("upgrade", "--install", "calve", chart.parent, "-n", namespace, "-f", chart, *words)
        assert done.returncode == 0, done.stderr
    yield installing
    installing.kubectl("delete", "crd", MONITORS["metadata"]["name"])


@pytest.fixture(scope="module")
def everything(installing):
    """A release in which all is on."""
    namespace = installing.namespace(secrets=())
    installing.install(namespace, ALL)
    return namespace


@pytest.mark.parametrize("file", ENVIRONMENTS)
def test_both_environments_are_installed_beside_each_other(environments, file):
    namespace, _ = ENVIRONMENTS[file]

    assert json.loads(environments.helm("status", "calve", "-n", namespace, "-o", "json").stdout)["info"]["status"] == (
        "deployed"
    )


def test_no_field_is_unknown_to_kubernetes(installing, everything):
    for manifest in installing.manifests(everything):
        done = installing.kubectl(
            "apply", "-n", everything, "--dry-run=server", "--validate=strict", "-f", "-", given=json.dumps(manifest)
        )
        assert done.returncode == 0, f"{manifest['kind']} {manifest['metadata']['name']}: {done.stderr}"


def test_a_misspelt_field_would_be_noticed(installing, everything):
    manifest = next(each for each in installing.manifests(everything) if each["kind"] == "Deployment")
    manifest["spec"]["replica"] = 1
    done = installing.kubectl(
        "apply", "-n", everything, "--dry-run=server", "--validate=strict", "-f", "-", given=json.dumps(manifest)
    )

    assert 'unknown field "spec.replica"' in done.stderr


def test_pod_security_restricted_admits_every_pod(installing, everything):
    tried = [pod for manifest in installing.manifests(everything) for pod in pods_of(manifest)]

    assert {refused(installing, everything, pod) for pod in tried} == {""}
    assert len(tried) == 12, "four components, two jobs, the history, three parts, two tests"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"hostNetwork": True}, id="in the node's network"),
        pytest.param({"securityContext": {"runAsUser": 0, "runAsNonRoot": False}}, id="as root"),
        pytest.param({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, id="with the node's files"),
    ],
)
def test_a_pod_that_could_take_over_the_node_is_refused(installing, everything, wrong):
    pod = next(pod for manifest in installing.manifests(everything) for pod in pods_of(manifest))
    for container in pod["spec"]["containers"] + pod["spec"].pop("initContainers", []):
        del container["volumeMounts"]
    pod["spec"] |= wrong

    assert 'violates PodSecurity "restricted' in refused(installing, everything, pod)


def test_pod_security_restricted_admits_driver_and_executors(installing, everything):
    deployment = Deployment(namespace=everything, image="calve/spark:a1")
    planned = Planned(Run.parse("revenue@2026-01-02#0"), CHANGES)
    spec = spark_application(load_project(ROOT), planned, deployment)["spec"]
    for part in ("driver", "executor"):
        template = spec[part]["template"]["spec"]
        template["containers"][0]["image"] = deployment.image
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": part}, "spec": template}

        assert refused(installing, everything, body) == ""


def test_nothing_of_the_cluster_is_made_and_nothing_is_wild(installing, everything):
    made = installing.manifests(everything)

    assert {each["kind"] for each in made if each["metadata"].get("namespace") != everything} == set()
    assert [rule for each in made if each["kind"] == "Role" for rule in each["rules"] if "*" in json.dumps(rule)] == []


def test_services_become_no_settings(installing, everything):
    pods = [pod for manifest in installing.manifests(everything) for pod in pods_of(manifest)]

    assert {pod["spec"]["enableServiceLinks"] for pod in pods} == {False}


def test_an_airflow_of_ones_own_finds_accounts_roles_and_settings():
    kinds = {"ServiceAccount", "Role", "RoleBinding", "ConfigMap", "NetworkPolicy"}
    found = render({"airflow": {"enabled": False}})

    assert {name.split("/")[0] for name in found} - {"Pod"} == kinds
    assert found.at("ConfigMap/calve-kubernetes", "data CALVE_KUBERNETES_NAMESPACE") == "calve-dev"
    assert "Role/calve-airflow" in found


def refused(installing, namespace, pod):
    """Return why a pod is not admitted; empty when it is."""
    body = {**pod, "metadata": {**pod["metadata"], "namespace": namespace}}
    done = installing.kubectl("create", "--dry-run=server", "-f", "-", given=json.dumps(body))
    return done.stderr
