import json
import subprocess

import pytest
import yaml

from charts.rendering import ROOT, Loader
from cluster.binary import helm
from manifests.closed_schema import operator_module

VALUES = ROOT / "charts/spark-operator/values.yaml"
CHART = "charts/spark-operator-chart"


@pytest.fixture(scope="module")
def objects():
    command = [helm(), "template", "spark-operator", operator_module() / CHART, "--namespace", "spark-operator"]
    done = subprocess.run(
        [*command, "--kube-version", "1.34.4", "--values", VALUES], capture_output=True, text=True, check=True
    )
    return [each for each in yaml.load_all(done.stdout, Loader) if each]


def test_every_value_of_ours_is_one_of_the_charts():
    known = yaml.load((operator_module() / CHART / "values.yaml").read_text(), Loader)

    assert list(unknown(yaml.load(VALUES.read_text(), Loader), known, "")) == []


def unknown(ours, known, path):
    for key, value in ours.items():
        if key not in known:
            yield f"{path}{key}"
        # What is Kubernetes' own, such as a security context, the chart hands on.
        elif isinstance(value, dict) and known[key] and not key.endswith("Context"):
            yield from unknown(value, known[key], f"{path}{key}.")


def test_there_is_no_webhook(objects):
    assert [each["metadata"]["name"] for each in objects if "webhook" in json.dumps(each["metadata"])] == []


def test_what_it_may_do_to_pods_it_may_in_the_environments_only(objects):
    rules = {(each["kind"], each["metadata"].get("namespace")): each.get("rules", []) for each in objects}
    where = {place for place, all_of in rules.items() if any("pods" in rule["resources"] for rule in all_of)}

    assert where == {("Role", "calve-dev"), ("Role", "calve-prod")}


def test_it_makes_no_account_for_drivers(objects):
    accounts = [each["metadata"]["name"] for each in objects if each["kind"] == "ServiceAccount"]

    assert accounts == ["spark-operator-controller"]
