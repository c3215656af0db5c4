import copy
import os
from pathlib import Path

import pytest
import yaml
from closed_schema import application_schema, mistakes, pod_schema
from ruamel.yaml import YAML

from calve.kubernetes.manifest import as_yaml, command_pod, spark_application, spec_digest
from calve.kubernetes.names import SPEC, Origin
from calve.lake.attempts import Way
from calve.planning import Planned
from calve.runs import Interval, Run

GOLDEN = Path(__file__).parent / "revenue.sparkapplication.yaml"


def every_pod(application):
    return [application["spec"][part]["template"]["spec"] for part in ("driver", "executor")]


@pytest.mark.parametrize("size", ["small", "medium", "large"])
@pytest.mark.parametrize("mode", ["changes", "reload", "reprocess"])
def test_an_application_is_valid_against_the_closed_schema(project, deployment, origin, size, mode):
    run = Run(size, Interval.parse("2026-01-01/2026-02-01"), "facility_id=7", 3)

    for asked_by in (origin, None):
        found = spark_application(project, Planned(run, Way(mode)), deployment, asked_by)
        assert mistakes(found, application_schema()) == []


def test_a_command_pod_is_valid_against_the_closed_schema(project, deployment, origin, planned):
    for run in (planned.run, None):
        found = command_pod(project, run, ["expose"], deployment, origin)
        assert mistakes(found, pod_schema()) == []


MISSPELT = {
    "of the application": ("spec", "sparkVerison"),
    "of its driver": ("spec", "driver", "coreRequests"),
    "of dynamic allocation": ("spec", "dynamicAllocation", "maxExecutor"),
    "of a pod": ("spec", "executor", "template", "spec", "volume"),
    "of a pod's security": ("spec", "driver", "template", "spec", "securityContext", "runAsNonroot"),
    "of a container": ("spec", "driver", "template", "spec", "containers", 0, "envfrom"),
    "of a container's security": (
        *("spec", "driver", "template", "spec", "containers", 0, "securityContext", "readOnlyRootFileSystem"),
    ),
    "of a source of variables": ("spec", "driver", "template", "spec", "containers", 0, "envFrom", 0, "configmapRef"),
    "of a mount": ("spec", "driver", "template", "spec", "containers", 0, "volumeMounts", 0, "mountpath"),
    "of a volume": ("spec", "driver", "template", "spec", "volumes", 0, "emptydir"),
    "of an emptyDir": ("spec", "driver", "template", "spec", "volumes", 0, "emptyDir", "sizelimit"),
}


@pytest.mark.parametrize("path", MISSPELT.values(), ids=MISSPELT)
def test_a_misspelt_field_is_a_mistake(project, deployment, planned, path):
    found = copy.deepcopy(spark_application(project, planned, deployment))
    node = found
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = "1"

    assert [each for each in mistakes(found, application_schema()) if path[-1] in each]


def test_one_whole_manifest_is_the_golden_file(project, deployment, planned, origin, request):
    found = as_yaml(spark_application(project, planned, deployment, origin))
    if request.config.getoption("--refresh", default=False):
        GOLDEN.write_text(found)

    assert GOLDEN.read_text() == found, "look at the difference; `pytest tests/kubernetes --refresh` writes it anew"


def test_the_driver_takes_the_lease_and_checks_the_contracts(project, deployment):
    run = Run("revenue", Interval.parse("2026-01-02"), "facility_id=7", 2)

    spec = spark_application(project, Planned(run, Way("reload")), deployment)["spec"]

    assert spec["arguments"] == ["--digest", "ab" * 32, "--run", "revenue@2026-01-02[facility_id=7]#2=take=reload"]
    assert spec["restartPolicy"] == {"type": "Never"}


def test_the_driver_is_told_which_datasets_are_made_anew(project, deployment):
    way = Way("reprocess", ("agg_facility_product_day", "fct_payment"))

    spec = spark_application(
        project, Planned(Run("revenue", Interval.parse("2026-01-02"), generation=1), way), deployment
    )

    told = "revenue@2026-01-02#1=take=reprocess:agg_facility_product_day,fct_payment"
    assert spec["spec"]["arguments"][-1] == told


def test_what_the_webhook_would_set_stands_in_the_templates(project, deployment, planned):
    spec = spark_application(project, planned, deployment)["spec"]

    for part in ("driver", "executor"):
        by_webhook = {
            "env",
            "envFrom",
            "volumeMounts",
            "securityContext",
            "podSecurityContext",
            "secrets",
            "configMaps",
        }
        assert set(spec[part]) & by_webhook == set()
    assert "volumes" not in spec
    assert [each["containers"][0]["name"] for each in every_pod({"spec": spec})] == [
        "spark-kubernetes-driver",
        "spark-kubernetes-executor",
    ]


def test_every_pod_meets_the_restricted_pod_security_standard(project, deployment, planned, origin):
    pods = every_pod(spark_application(project, planned, deployment))
    pods.append(command_pod(project, None, ["expose"], deployment, origin)["spec"])

    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {kind for each in pod["volumes"] for kind in each if kind != "name"} <= {
            "emptyDir",
            "configMap",
            "secret",
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in pod["containers"]:
            allowed = container["securityContext"]
            assert allowed["allowPrivilegeEscalation"] is False
            assert allowed["capabilities"] == {"drop": ["ALL"]}
            assert allowed["readOnlyRootFilesystem"] is True
            assert not any("hostPort" in port for port in container.get("ports", []))


def test_only_the_driver_may_ask_the_cluster(project, deployment, planned, origin):
    driver, executor = every_pod(spark_application(project, planned, deployment))
    command = command_pod(project, None, ["expose"], deployment, origin)["spec"]

    tokens = [pod["automountServiceAccountToken"] for pod in (driver, executor, command)]
    assert tokens == [True, False, False]


def test_a_service_of_the_namespace_sets_no_variable(project, deployment, planned, origin):
    pods = every_pod(spark_application(project, planned, deployment))
    pods.append(command_pod(project, None, ["expose"], deployment, origin)["spec"])

    assert [pod["enableServiceLinks"] for pod in pods] == [False, False, False]


def test_all_that_is_written_lies_on_a_volume(project, deployment, planned):
    spec = spark_application(project, planned, deployment)["spec"]

    for pod in every_pod({"spec": spec}):
        mounts = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
        assert set(mounts) == {each["name"] for each in pod["volumes"]}
        assert "/tmp" in mounts.values()
        # LocalDirsFeatureStep takes mounts of this prefix, and makes no other.
        (local,) = [path for name, path in mounts.items() if name.startswith("spark-local-dir-")]
        assert spec["sparkConf"]["spark.sql.warehouse.dir"].startswith(local + os.sep)


def test_secrets_are_named_and_never_held(project, deployment, planned, monkeypatch):
    monkeypatch.setenv("CALVE_CATALOG_URL", "postgresql://calve:hunter2@db/lake")

    found = spark_application(project, planned, deployment)

    assert "hunter2" not in str(found)
    for pod in every_pod(found):
        assert pod["containers"][0]["envFrom"] == [
            {"configMapRef": {"name": "calve-settings"}},
            {"secretRef": {"name": "calve-secrets"}},
        ]


def test_an_event_log_is_written_only_where_somebody_says_so(project, deployment, planned):
    without = deployment.model_copy(update={"event_log_dir": ""})

    conf = spark_application(project, planned, deployment)["spec"]["sparkConf"]
    assert (conf["spark.eventLog.enabled"], conf["spark.eventLog.dir"]) == ("true", "file:/var/data/events")
    assert not [key for key in spark_application(project, planned, without)["spec"]["sparkConf"] if "eventLog" in key]


def test_only_the_driver_mounts_the_volume_of_the_event_log(project, deployment, planned):
    logs = {"event_log_dir": "file:///var/spark-events", "event_log_claim": "calve-spark-history"}
    spec = spark_application(project, planned, deployment.model_copy(update=logs))["spec"]
    driver, executor = (spec[part]["template"]["spec"] for part in ("driver", "executor"))

    claims = [each["persistentVolumeClaim"] for each in driver["volumes"] if "persistentVolumeClaim" in each]
    assert claims == [{"claimName": "calve-spark-history"}]
    assert {"name": "event-log", "mountPath": "/var/spark-events"} in driver["containers"][0]["volumeMounts"]
    assert "event-log" not in str(executor)


def test_tries_of_one_task_that_want_the_same_have_one_digest(project, deployment, planned):
    def digest(attempt, **changed):
        origin = Origin("revenue", "stage", "manual__1", -1, attempt)
        return spark_application(project, planned, deployment.model_copy(update=changed), origin)["metadata"][
            "annotations"
        ][SPEC]

    assert digest(1) == digest(2)
    assert digest(1) != digest(2, image="registry.example.org/calve-spark:other")


def test_another_run_mode_or_size_has_another_digest(project, deployment, planned):
    def digest(run, mode):
        return spec_digest(spark_application(project, Planned(run, Way(mode)), deployment)["spec"])

    day = Interval.parse("2026-01-02")
    found = [digest(Run(name, day), mode) for name in ("small", "large") for mode in ("changes", "reload")]
    assert len(set(found)) == 4


def test_executors_are_called_after_their_application(project, deployment, planned, origin):
    found = spark_application(project, planned, deployment, origin)

    prefix = found["spec"]["sparkConf"]["spark.kubernetes.executor.podNamePrefix"]
    assert prefix == found["metadata"]["name"]
    assert len(f"{prefix}-exec-{2**31}") <= 63


def test_manifests_share_nothing_that_could_be_changed(project, deployment, planned):
    first = spark_application(project, planned, deployment)
    first["spec"]["driver"]["labels"]["x"] = "y"
    first["spec"]["driver"]["template"]["spec"]["containers"][0]["env"].clear()

    again = spark_application(project, planned, deployment)
    assert "x" not in again["spec"]["driver"]["labels"]
    assert again["spec"]["driver"]["template"]["spec"]["containers"][0]["env"]


@pytest.mark.parametrize(
    "word", ["on", "No", "1e5", "0x10", "1:30", "012", "null", "~", "2026-01-02", "a: b", "é", "x #y"]
)
def test_a_word_stays_a_word_for_kubectl(project, deployment, planned, word):
    origin = Origin("revenue", word, word, -1, 2)
    found = spark_application(project, planned, deployment, origin)

    text = as_yaml(found)

    assert yaml.safe_load(text) == found  # YAML 1.1, as kubectl reads it
    assert YAML(typ="safe").load(text) == found  # YAML 1.2
    assert "&id" not in text


def test_without_go_the_schema_is_not_held_against_anything_and_ci_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    application_schema.cache_clear()

    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="no Go on this machine"):
        application_schema()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Go on this machine"):
        application_schema()


def test_a_small_application_with_one_executor_reserves_less_than_a_core(project, deployment, origin):
    run = Run("small", Interval.parse("2026-01-01/2026-01-02"), "all", 0)
    spec = spark_application(project, Planned(run, Way("changes")), deployment, origin)["spec"]

    reserved = [spec[part]["coreRequest"] for part in ("driver", "executor")]
    assert sum(int(each.removesuffix("m")) for each in reserved) < 1000
