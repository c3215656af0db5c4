import json
import urllib.error
import urllib.request

import pytest
from api_clients import STEPS, STRATEGIC, application, pod, refusal


def test_the_server_says_who_an_object_is(apps):
    made = apps.create({**application("one"), "status": {"applicationState": {"state": "COMPLETED"}}})

    assert made["metadata"]["uid"]
    assert made["metadata"]["resourceVersion"]
    assert made["metadata"]["generation"] == 1
    assert made["metadata"]["creationTimestamp"].endswith("Z")
    assert "status" not in made
    assert apps.get("one") == made


def test_a_name_that_is_taken_is_a_409(apps):
    apps.create(application("one"))

    found = refusal(apps.create, application("one"))

    assert (found["kind"], found["apiVersion"], found["status"], found["code"]) == ("Status", "v1", "Failure", 409)
    assert found["reason"] == "AlreadyExists"
    assert found["message"] == 'sparkapplications.sparkoperator.k8s.io "one" already exists'
    assert found["details"] == {"name": "one", "group": "sparkoperator.k8s.io", "kind": "sparkapplications"}


def test_what_is_absent_is_a_404(apps, core):
    assert refusal(apps.get, "one")["message"] == 'sparkapplications.sparkoperator.k8s.io "one" not found'
    assert refusal(core.pod, "one")["message"] == 'pods "one" not found'


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        pytest.param({"name": "Upper_case"}, "metadata.name", id="name"),
        pytest.param({"name": "a" * 254}, "metadata.name", id="name too long"),
        pytest.param({"name": "one", "labels": {"run": "revenue@2026"}}, "metadata.labels", id="label"),
        pytest.param({"name": "one", "labels": {"run": "a" * 64}}, "metadata.labels", id="label too long"),
    ],
)
def test_malformed_names_and_labels_are_a_422(apps, metadata, field):
    found = refusal(apps.create, {**application("one"), "metadata": metadata})

    assert (found["code"], found["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in found["details"]["causes"]] == [field]


def test_a_generated_name_begins_as_asked(apps):
    made = [apps.create({**application(""), "metadata": {"generateName": "run-"}}) for _ in range(3)]

    assert len({each["metadata"]["name"] for each in made}) == 3
    assert all(each["metadata"]["name"].startswith("run-") for each in made)


def test_a_stale_replacement_is_a_409_and_changes_nothing(apps):
    first = apps.create(application("one"))
    first["spec"]["arguments"] = ["first"]
    second = apps.replace("one", first)
    first["spec"]["arguments"] = ["stale"]

    found = refusal(apps.replace, "one", first)

    assert (found["code"], found["reason"]) == (409, "Conflict")
    assert "the object has been modified" in found["message"]
    assert apps.get("one") == second
    assert second["metadata"]["generation"] == 2


def test_a_replacement_without_a_version_is_refused_for_a_custom_resource(apps):
    apps.create(application("one"))

    assert refusal(apps.replace, "one", application("one"))["code"] == 422


def test_only_its_own_address_changes_the_status(apps):
    apps.create(application("one"))
    body = {"metadata": {"labels": {"a": "b"}}, "status": {"applicationState": {"state": "RUNNING"}, "driverInfo": {}}}

    plain = apps.patch("one", body)
    whole = apps.patch_status("one", {**body, "spec": {"type": "Java"}})

    assert "status" not in plain
    assert plain["metadata"]["labels"] == {"a": "b"}
    assert whole["status"] == {"applicationState": {"state": "RUNNING"}, "driverInfo": {}}
    assert whole["spec"]["type"] == "Python"


def test_patches_merge_remove_and_step(apps):
    apps.create(application("one", keep="1", drop="2"))
    merge = {"metadata": {"labels": {"drop": None, "new": "3"}}}
    steps = [{"op": "test", "path": "/spec/type", "value": "Python"}]
    steps += [{"op": "add", "path": "/spec/arguments/-", "value": "x"}]

    merged = apps.patch("one", merge)
    stepped = apps.patch("one", steps, STEPS)

    assert merged["metadata"]["labels"] == {"keep": "1", "new": "3"}
    assert stepped["spec"]["arguments"] == ["x"]


def test_a_strategic_merge_of_a_custom_resource_is_a_415(apps):
    apps.create(application("one"))

    assert refusal(apps.patch, "one", {}, STRATEGIC)["code"] == 415


def test_a_change_that_changes_nothing_makes_no_version(apps):
    before = apps.create(application("one", a="1"))

    after = apps.patch("one", {"metadata": {"labels": {"a": "1"}}})

    assert after == before


def test_deleting_another_than_the_one_that_was_meant_is_a_409(apps):
    uid = apps.create(application("one"))["metadata"]["uid"]

    assert refusal(apps.delete, "one", preconditions={"uid": "another"})["reason"] == "Conflict"
    assert apps.names() == ["one"]
    assert apps.delete("one", preconditions={"uid": uid})["status"] == "Success"
    assert apps.names() == []


def test_a_deleted_application_takes_its_driver_along(server, apps, core):
    apps.create(application("one"))
    server.play.run("one")
    core.create(pod("stays"))

    apps.delete("one", propagationPolicy="Background")

    server.until(lambda: core.pods() == ["stays"])


def test_a_driver_may_take_a_while_to_go(server, apps, core):
    apps.create(application("one"))
    server.play.run("one")
    server.play.hold_pods()

    apps.delete("one")

    assert apps.names() == []
    server.until(lambda: core.pod("one-driver").metadata.deletion_timestamp)
    server.play.remove_pod("one-driver")
    assert refusal(core.pod, "one-driver")["code"] == 404


def test_a_foreground_deletion_waits_for_the_driver(server, apps):
    apps.create(application("one"))
    server.play.run("one")
    server.play.hold_pods()

    answer = apps.delete("one", propagationPolicy="Foreground")

    assert answer["metadata"]["deletionTimestamp"]
    assert apps.get("one")["metadata"]["finalizers"] == ["foregroundDeletion"]
    server.play.remove_pod("one-driver")
    server.until(lambda: apps.names() == [])


@pytest.mark.parametrize(
    ("body", "finalizers"),
    [({}, ["foregroundDeletion"]), ({"kind": "DeleteOptions", "apiVersion": "v1"}, None)],
    ids=["no body", "a body"],
)
def test_options_of_a_deletion_are_read_from_the_query_only_without_a_body(server, apps, body, finalizers):
    apps.create(application("one"))
    server.play.run("one")
    server.play.hold_pods()

    answer = apps.api.delete_namespaced_custom_object(
        *apps.kind, "one", body=body or None, propagation_policy="Foreground"
    )

    assert answer["metadata"].get("finalizers") == finalizers


def test_what_somebody_holds_by_a_finalizer_goes_when_it_is_let_go(server, apps):
    held = application("one")
    held["metadata"]["finalizers"] = ["calve.dev/held"]
    apps.create(held)

    apps.delete("one")

    assert apps.get("one")["metadata"]["deletionTimestamp"]
    apps.patch("one", {"metadata": {"finalizers": None}})
    server.until(lambda: apps.names() == [])


def test_an_orphan_stays(server, apps, core):
    apps.create(application("one"))
    server.play.run("one")

    apps.delete("one", propagationPolicy="Orphan")

    assert core.pod("one-driver").status.phase == "Running"


@pytest.mark.parametrize("there", [0, 1], ids=["none there", "one there"])
def test_a_quota_of_zero_refuses_pods(server, core, there):
    for number in range(there):
        core.create(pod(f"there-{number}"))
    server.play.forbid_pods("none")

    found = refusal(core.create, pod("one"))

    assert (found["code"], found["reason"]) == (403, "Forbidden")
    assert found["message"] == (
        f'pods "one" is forbidden: exceeded quota: none, requested: pods=1, used: pods={there}, limited: pods=0'
    )
    (quota,) = core.list_namespaced_resource_quota(core.namespace).items
    assert (quota.status.hard, quota.status.used) == ({"pods": "0"}, {"pods": str(there)})


def test_an_unknown_resource_is_a_404(server):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{server.url}/api/v1/namespaces/{server.namespace}/things")

    assert json.load(caught.value)["message"] == "the server could not find the requested resource"
