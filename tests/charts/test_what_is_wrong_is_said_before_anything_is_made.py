import json

import pytest
import yaml

from charts.rendering import CHART, Loader, leaves, nested, refusal, render, schema

NOTHING = {"images": {"spark": {"tag": ""}, "airflow": {"tag": ""}}, "settings": {"warehouse": ""}}


@pytest.mark.parametrize("path", [*schema()["properties"], *leaves(schema())])
def test_a_misspelt_value_is_refused(path):
    parent, _, name = path.rpartition(".")
    wrong = f"{name[:-1]}{name[-1] * 2}"

    assert wrong in " ".join(closed_at(parent, wrong))


def closed_at(parent, wrong):
    """Return what the schema says of a name that is not in it."""
    import jsonschema

    given = nested(parent, {wrong: "x"}) if parent else {wrong: "x"}
    return [each.message for each in jsonschema.Draft7Validator(schema()).iter_errors(given)]


def test_helm_refuses_a_misspelt_value_by_its_name():
    said = refusal({"airflow": {"scheduler": {"replica": 2}}})

    assert "at '/airflow/scheduler'" in said
    assert "'replica' not allowed" in said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param({"settings": {"warehouse": "bucket"}}, "at '/settings/warehouse'", id="no address"),
        pytest.param({"airflow": {"users": {"ann": "boss"}}}, "at '/airflow/users/ann'", id="no role"),
        pytest.param({"airflow": {"config": {"PATH": "/x"}}}, "at '/airflow/config'", id="no setting of Airflow"),
        pytest.param({"networkPolicy": {"outside": [{"ports": [1]}]}}, "at '/networkPolicy/outside/0'", id="half"),
        pytest.param({"history": {"keepDays": "7"}}, "at '/history/keepDays'", id="no number"),
    ],
)
def test_a_value_of_another_kind_is_refused(values, said):
    assert said in refusal(values)


def test_every_object_of_the_schema_is_closed_or_says_what_its_entries_are():
    assert list(open_parts(schema(), "")) == []


def open_parts(node, path):
    if isinstance(node, dict):
        if node.get("type") == "object" and "additionalProperties" not in node:
            yield path
        for key, child in node.items():
            yield from open_parts(child, f"{path}/{key}")


def test_the_schema_says_of_each_value_what_the_file_of_values_says():
    assert {path: leaf.get("description") for path, leaf in leaves(schema()).items()} == comments()


def comments():
    """Return the line `# --` before each value of values.yaml, by its path."""
    found, said, path = {}, "", []
    for line in (CHART / "values.yaml").read_text().splitlines():
        text = line.strip()
        depth = (len(line) - len(line.lstrip())) // 2
        if text.startswith("# -- "):
            said = text.removeprefix("# -- ")
        elif text and not text.startswith(("#", "-")):
            path = [*path[:depth], text.partition(":")[0]]
            if said:
                found[".".join(path)], said = said, ""
    return found


def test_the_values_fit_on_few_pages():
    assert len((CHART / "values.yaml").read_text().splitlines()) <= 250


def test_all_that_is_missing_is_said_at_once():
    said = refusal(NOTHING, "default")

    assert "calve: 4 wrong" in said
    for line in ("namespace: found default", "images.spark.tag", "images.airflow.tag", "settings.warehouse"):
        assert line in said


def test_values_of_another_environment_are_refused():
    prod = yaml.load((CHART / "values-prod.yaml").read_text(), Loader)

    assert "found calve-dev, expected calve-prod" in refusal(prod)


@pytest.mark.parametrize("file", ["values-dev.yaml", "values-prod.yaml"])
def test_an_environment_is_rendered_without_a_cluster(file):
    assert "Deployment/calve-scheduler" in render({}, f"calve-{file[7:-5]}", files=(file,))


def test_no_secret_stands_in_the_values_of_an_environment():
    kinds = {name for name in render({}, "calve-prod", files=("values-prod.yaml",)) if name.startswith("Secret/")}

    assert kinds == set()


@pytest.mark.parametrize(
    ("there", "said"),
    [
        pytest.param((), "secret calve-secrets: there is none in namespace {}, expected one with", id="none"),
        pytest.param(("calve-secrets",), "secret calve-airflow: there is none in namespace {}", id="one of two"),
    ],
)
def test_a_missing_secret_is_said_before_anything_is_installed(installing, there, said):
    namespace = installing.namespace(secrets=there)
    done = installing.try_install(namespace)

    assert said.format(namespace) in done.stderr
    assert installing.names(namespace, "deployments,configmaps") == []


def test_a_secret_without_a_key_is_said(installing):
    namespace = installing.namespace(without="CALVE_HASH_KEY")

    assert "secret calve-secrets: has no key CALVE_HASH_KEY" in installing.try_install(namespace).stderr


def test_a_namespace_that_is_not_there_is_said(installing):
    said = installing.try_install("calve-nowhere", {}, "--create-namespace").stderr

    assert "secret calve-secrets: there is none in namespace calve-nowhere" in said


def test_a_second_release_in_a_namespace_is_refused(installing):
    namespace = installing.namespace()
    installing.install(namespace)
    words = [f"--set-string=images.{part}.tag=a1" for part in ("spark", "airflow")]
    words += ["--set-string=settings.warehouse=s3://b", "--set-string=settings.snowflake.account=A"]
    done = installing.helm("install", "other", CHART, "-n", namespace, *words)

    assert 'key "meta.helm.sh/release-name" must equal "other"' in done.stderr


def test_a_cluster_without_the_prometheus_operator_is_said(installing):
    namespace = installing.namespace()
    said = installing.try_install(namespace, nested("metrics.podMonitor.enabled", True)).stderr

    assert "metrics.podMonitor.enabled: the cluster has no PodMonitor" in said


@pytest.mark.parametrize(
    ("values", "keys", "found"),
    [
        pytest.param("", {"CALVE_SNOWFLAKE_PASSWORD": None}, "no way", id="none"),
        pytest.param(
            "",
            {"CALVE_SNOWFLAKE_PRIVATE_KEY": "eA=="},
            "CALVE_SNOWFLAKE_PASSWORD and CALVE_SNOWFLAKE_PRIVATE_KEY",
            id="password and key",
        ),
        pytest.param("AWS", {}, "settings.snowflake.workloadIdentity and CALVE_SNOWFLAKE_PASSWORD", id="identity too"),
    ],
)
def test_there_is_one_way_to_log_in_to_snowflake(installing, values, keys, found):
    namespace = installing.namespace()
    patch = json.dumps({"data": keys})
    installing.kubectl("patch", "secret", "calve-secrets", "-n", namespace, "-p", patch)
    said = installing.try_install(namespace, nested("settings.snowflake.workloadIdentity", values)).stderr

    assert f"found {found} to log in to Snowflake, expected one" in said


def test_an_identity_of_the_pods_needs_no_secret_of_snowflake(installing):
    namespace = installing.namespace(without="CALVE_SNOWFLAKE_PASSWORD")

    installing.install(namespace, nested("settings.snowflake.workloadIdentity", "AWS"))
