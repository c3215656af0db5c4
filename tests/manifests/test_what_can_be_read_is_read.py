from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from failed_applications import NAME, application

from calve.cli import cli
from calve.errors import SettingsError, SourceUnavailableError
from calve.kubernetes.evidence import Proof
from calve.kubernetes.facts import LOG_LINES, collect, open_cluster
from calve.kubernetes.manifest import GROUP, PLURAL, VERSION
from calve.kubernetes.triage import triage
from calve.standin.kubernetes.server import Server

NAMESPACE = "lake-dev"


@pytest.fixture
def cluster():
    with Server(namespace=NAMESPACE) as server:
        yield server


@pytest.fixture
def kubeconfig(cluster, tmp_path):
    return cluster.write_kubeconfig(tmp_path / "kubeconfig")


@pytest.fixture
def client(kubeconfig):
    return open_cluster(kubeconfig)


@pytest.fixture
def submitted(project, cluster, client):
    """Submit an application, whose driver runs."""
    from kubernetes.client import CustomObjectsApi

    body = application(project, state="")
    body["metadata"] = {
        k: v for k, v in body["metadata"].items() if k in ("name", "namespace", "labels", "annotations")
    }
    CustomObjectsApi(client).create_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, body)
    cluster.play.run(NAME)


def read(client, **given):
    return collect(client, NAME, NAMESPACE, **given)


def proven(key):
    return Proof(key, last_good="publication 11")


@pytest.mark.usefixtures("submitted")
def test_all_parts_are_read(cluster, client):
    cluster.play.write_log(
        f"{NAME}-driver", "spark    session up in 6.1 s\ncalve: pipeline revenue: held by run x; wait\n"
    )
    cluster.play.end(NAME, 75)
    cluster.play.forbid_pods()
    cluster.play.write_event(cluster.play.pod(f"{NAME}-driver"), "Killing", "Stopping container")

    found = read(client, prove=proven, deadline="6 h to run")

    assert found.application["metadata"]["name"] == NAME
    assert found.driver["metadata"]["name"] == f"{NAME}-driver"
    assert found.log == ("spark    session up in 6.1 s", "calve: pipeline revenue: held by run x; wait")
    assert {"SparkApplicationFailed", "Killing"} <= {event["reason"] for event in found.events}
    assert [quota["metadata"]["name"] for quota in found.quotas] == ["no-pods"]
    assert found.proof == Proof("revenue@2026-01-02#0", last_good="publication 11")
    assert (found.deadline, found.unreadable) == ("6 h to run", ())
    assert abs((found.looked_at - datetime.now(UTC)).total_seconds()) < 60
    assert triage(found).cause == "lease-held"


@pytest.mark.usefixtures("submitted")
def test_only_the_end_of_a_long_log_is_read(cluster, client):
    cluster.play.write_log(f"{NAME}-driver", "".join(f"line {n}\n" for n in range(LOG_LINES + 100)))

    found = read(client)

    assert len(found.log) == LOG_LINES
    assert found.log[-1] == f"line {LOG_LINES + 99}"


def test_an_application_that_is_not_there_is_no_mistake(client):
    found = read(client, prove=proven)

    assert (found.application, found.driver, found.proof, found.unreadable) == (None, None, None, ())
    assert triage(found).cause == "deleted"


@pytest.mark.usefixtures("submitted")
def test_a_driver_pod_that_vanished_is_no_mistake(cluster, client):
    cluster.play.lose_driver(NAME)

    found = read(client)

    assert (found.driver, found.log, found.unreadable) == (None, (), ())
    assert triage(found).cause == "driver-gone"


@pytest.mark.usefixtures("submitted")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/pods/.*/log", "log: 403 Forbidden"),
        ("/pods\\?", "driver pod and executors: 403 Forbidden"),
        ("/events", "events: 403 Forbidden"),
        ("/resourcequotas", "quotas: 403 Forbidden"),
    ],
)
def test_a_part_that_is_refused_is_named_and_the_others_are_read(cluster, client, path, said):
    cluster.play.end(NAME, 65)
    cluster.fault(path=path, status=403, times=10)

    found = read(client, prove=proven)

    assert found.unreadable == (said,)
    assert found.application is not None
    assert found.proof is not None
    assert triage(found).cause == "wrong-input"
    assert f"not readable: {said}" in triage(found).details


@pytest.mark.usefixtures("submitted")
def test_a_connection_that_breaks_is_named(cluster, client):
    cluster.fault(path="/events", reset=True, times=100)

    assert read(client).unreadable == ("events: no answer (MaxRetryError)",)


def test_a_cluster_that_does_not_answer_is_not_taken_for_an_empty_one(cluster, client):
    cluster.fault(path="/sparkapplications", status=503, times=10)

    found = read(client)

    assert found.unreadable[0].startswith("application: 503")
    assert triage(found).cause == "unknown"


@pytest.mark.usefixtures("submitted")
def test_records_that_do_not_answer_are_named_without_their_secrets(client):
    def prove(key):
        msg = "catalog database postgresql://calve:hunter2@db/lake: gone"
        raise SourceUnavailableError(msg)

    assert read(client, prove=prove).unreadable == ("records: catalog database postgresql://***@db/lake: gone",)


@pytest.mark.usefixtures("submitted")
def test_a_person_reads_it_in_a_terminal(cluster, kubeconfig, monkeypatch):
    monkeypatch.setenv("CALVE_PROFILE", "cluster")
    cluster.play.end(NAME, 137, "OOMKilled")

    given = ["triage", NAME, "--namespace", NAMESPACE, "--kubeconfig", str(kubeconfig)]
    found = CliRunner().invoke(cli, given, catch_exceptions=False)

    assert found.exit_code == 0
    assert found.output.splitlines()[:2] == [
        f"{NAME}: driver-out-of-memory, a retry can't help",
        "  the driver was killed (exit 137, OOMKilled): it took more memory than its pod may",
    ]
    assert "  not readable: records: settings: " in found.output
    assert f"again:  kubectl -n {NAMESPACE} delete sparkapplication {NAME}" in found.output


@pytest.mark.usefixtures("submitted")
def test_it_takes_no_key_of_the_data(kubeconfig, monkeypatch):
    monkeypatch.setenv("CALVE_PROFILE", "cluster")
    monkeypatch.setenv("CALVE_CATALOG_URL", "postgresql://calve@127.0.0.1:1/calve")

    given = ["triage", NAME, "--namespace", NAMESPACE, "--kubeconfig", str(kubeconfig)]
    found = CliRunner().invoke(cli, given, catch_exceptions=False)

    assert "  not readable: records: catalog database 127.0.0.1:1/calve: " in found.output


def test_what_is_gone_is_proven_by_the_key_that_its_task_knows(client):
    found = collect(client, "gone", NAMESPACE, prove=proven, run_key="revenue@2026-01-02#0")

    assert (found.application, found.proof) == (None, proven("revenue@2026-01-02#0"))


def test_a_command_pod_is_found_by_its_name(cluster, client):
    from kubernetes.client import CoreV1Api

    body = {
        "metadata": {"name": "revenue-expose-1-t1"},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "calve", "image": "x"}]},
    }
    CoreV1Api(client).create_namespaced_pod(NAMESPACE, body)
    cluster.play.set_pod("revenue-expose-1-t1", "Failed", {"terminated": {"exitCode": 65, "reason": "Error"}})
    cluster.play.write_log("revenue-expose-1-t1", "calve: grants of LIVE: found x\n")

    found = collect(client, "revenue-expose-1-t1", NAMESPACE)

    assert triage(found).sentence == "the command refused what it was given (exit 65): grants of LIVE: found x"


def test_without_a_kubeconfig_it_is_said_what_is_wanted(monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(SettingsError, match="set CALVE_KUBERNETES_KUBECONFIG or KUBECONFIG"):
        open_cluster(tmp_path / "none")
