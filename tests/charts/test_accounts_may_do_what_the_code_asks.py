import asyncio
import re
from contextlib import aclosing

import pytest

from calve.contract.loader import load_project
from calve.kubernetes.deployment import Deployment
from calve.kubernetes.facts import collect
from calve.kubernetes.manifest import command_pod, spark_application
from calve.kubernetes.names import Origin
from calve.kubernetes.workloads import Workloads, open_client
from calve.lake.attempts import CHANGES
from calve.planning import Planned
from calve.runs import Run
from charts.rendering import ROOT, render

APPLICATIONS = "sparkapplications"
# What each call of a client's library asks of the cluster. A list that is followed is a watch too.
CALLS = {
    "get_namespaced_custom_object": (APPLICATIONS, "get"),
    "list_namespaced_custom_object": (APPLICATIONS, "list"),
    "create_namespaced_custom_object": (APPLICATIONS, "create"),
    "delete_namespaced_custom_object": (APPLICATIONS, "delete"),
    "read_namespaced_pod": ("pods", "get"),
    "list_namespaced_pod": ("pods", "list"),
    "create_namespaced_pod": ("pods", "create"),
    "delete_namespaced_pod": ("pods", "delete"),
    "read_namespaced_pod_log": ("pods/log", "get"),
    "list_namespaced_event": ("events", "list"),
    "list_namespaced_resource_quota": ("resourcequotas", "list"),
}
WATCHED = {(APPLICATIONS, "watch"), ("pods", "watch")}
# What a driver of Spark 3.5.9 was seen to ask for, from its start to its end, with an executor lost on the way.
SPARK = {
    *(("pods", verb) for verb in ("get", "list", "watch", "create", "delete", "deletecollection")),
    *(("configmaps", verb) for verb in ("create", "deletecollection")),
    ("services", "deletecollection"),
    *(("persistentvolumeclaims", verb) for verb in ("list", "deletecollection")),
}
ORIGIN = Origin("revenue", "make", "manual", -1, 1)
RUN = Run.parse("revenue@2026-01-02#0")


@pytest.fixture(scope="module")
def namespaces(installing):
    """Two environments, each with a release."""
    made = [installing.namespace(), installing.namespace()]
    for namespace in made:
        installing.install(namespace)
    return made


@pytest.fixture(scope="module")
def kubeconfig(installing, namespaces):
    """That of Airflow's account in the first."""
    return installing.kubeconfig_of(namespaces[0], "calve-airflow")


def asked_by_the_code():
    sources = [
        file.read_text() for part in ("kubernetes", "airflow") for file in (ROOT / "src/calve" / part).glob("*.py")
    ]
    names = {name for text in sources for name in re.findall(r"\b\w+_namespaced_\w+", text)}
    return {CALLS[name] for name in names} | WATCHED


def granted(role):
    rules = render({}).at(f"Role/{role}", "rules")
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}


def test_airflows_role_is_what_the_code_calls():
    assert granted("calve-airflow") == asked_by_the_code()


def test_the_drivers_role_is_what_spark_calls():
    assert granted("calve-spark") == SPARK


def test_airflows_account_submits_looks_and_removes(kubeconfig, namespaces):
    client = open_client(kubeconfig)
    for kind, body in manifests(namespaces[0]):
        workloads = Workloads(client, kind, namespaces[0])
        made = workloads.submit(body, ORIGIN.selector)
        facts = collect(client, made["metadata"]["name"], namespaces[0])

        # The log of a pod that no node runs is refused otherwise than by a role.
        assert [line for line in facts.unreadable if "403" in line] == []
        assert facts.application is not None
        assert [each["metadata"]["name"] for each in workloads.find(ORIGIN.selector)] == [made["metadata"]["name"]]
        assert workloads.remove(made["metadata"]["name"])


@pytest.mark.parametrize("kind", ["SparkApplication", "Pod"])
def test_airflows_account_follows(kubeconfig, namespaces, kind):
    from calve.airflow.watch import follower

    async def first():
        followed = follower(kind, namespaces[0], str(kubeconfig)).follow("nobody")
        async with aclosing(followed) as states:
            return await asyncio.wait_for(anext(states), 30)

    assert asyncio.run(first()) is None


@pytest.mark.parametrize("account", ["calve-airflow", "calve-spark"])
@pytest.mark.parametrize("resource", ["secrets", "pods", APPLICATIONS])
@pytest.mark.parametrize("verb", ["get", "list", "create", "delete"])
def test_no_account_may_do_anything_in_the_other_environment(installing, namespaces, account, resource, verb):
    ours, theirs = namespaces

    assert can(installing, ours, account, verb, resource, theirs) == "no"


@pytest.mark.parametrize("account", ["calve-airflow", "calve-spark"])
@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("list", "secrets"),
        ("create", "pods/exec"),
        ("create", "rolebindings"),
        ("impersonate", "users"),
        ("create", "serviceaccounts/token"),
        ("patch", "pods"),
        ("get", "nodes"),
    ],
)
def test_no_account_may_read_secrets_or_become_more(installing, namespaces, account, verb, resource):
    assert can(installing, namespaces[0], account, verb, resource, namespaces[0]) == "no"


@pytest.mark.parametrize(("resource", "verb"), sorted(SPARK))
def test_the_drivers_account_may_do_what_spark_asks(installing, namespaces, resource, verb):
    assert can(installing, namespaces[0], "calve-spark", verb, resource, namespaces[0]) == "yes"


def can(installing, namespace, account, verb, resource, where):
    user = f"--as=system:serviceaccount:{namespace}:{account}"
    kind, _, part = resource.partition("/")
    words = ["auth", "can-i", verb, kind, f"--subresource={part}", "-n", where, user]
    return installing.kubectl(*words).stdout.strip()


def manifests(namespace):
    project = load_project(ROOT)
    deployment = Deployment(namespace=namespace, image="calve/spark:a1")
    return [
        ("SparkApplication", spark_application(project, Planned(RUN, CHANGES), deployment, ORIGIN)),
        ("Pod", command_pod(project, RUN, ["expose"], deployment, ORIGIN)),
    ]
