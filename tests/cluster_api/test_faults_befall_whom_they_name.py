import json
import time
import urllib.request

import pytest
import urllib3
from api_clients import application, refusal
from kubernetes.client.rest import ApiException


@pytest.mark.parametrize("code", [410, 429, 500, 503])
def test_the_next_requests_that_match_are_answered_a_status(server, apps, code):
    server.fault(method="POST", path="/sparkapplications", status=code, times=2)

    first = [refusal(apps.create, application("one"))["code"] for _ in range(2)]

    assert first == [code, code]
    assert apps.names() == []
    assert apps.create(application("one"))["metadata"]["name"] == "one"


def test_an_answer_says_when_to_come_back(server, apps):
    # A POST: the client itself comes back for what only reads.
    server.fault(method="POST", status=429, retry_after=7, body={"kind": "Status", "code": 429, "message": "not now"})

    with pytest.raises(ApiException) as caught:
        apps.create(application("one"))

    assert caught.value.status == 429
    assert caught.value.headers["Retry-After"] == "7"
    assert json.loads(caught.value.body)["message"] == "not now"


def test_a_lost_reply_is_a_change_that_was_made(server, apps):
    server.fault(method="POST", status=504, applied=True)

    assert refusal(apps.create, application("one"))["code"] == 504
    assert refusal(apps.create, application("one"))["reason"] == "AlreadyExists"


def test_a_reset_instead_of_an_answer(server, apps):
    server.fault(method="POST", applied=True, reset=True)

    with pytest.raises(urllib3.exceptions.ProtocolError, match="reset by peer"):
        apps.create(application("one"))

    assert apps.names() == ["one"]
    assert [each.status for each in server.asked("POST", "/sparkapplications")] == [None]


def test_a_late_answer(server, apps):
    server.fault(path="/sparkapplications", latency_seconds=0.3)
    began = time.monotonic()

    apps.list()

    assert time.monotonic() - began >= 0.3


def test_others_are_spared(server, apps, core):
    server.fault(path=r"/pods\?.*labelSelector=a", status=500)

    assert apps.names() == []
    assert core.pods() == []
    assert refusal(core.pods, label_selector="a=b")["code"] == 500


def test_other_processes_ask_for_faults_over_http(server, apps):
    def ask(method, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{server.url}/_faults", data, method=method)) as answer:
            return json.load(answer)

    assert len(ask("POST", {"path": "/sparkapplications", "status": 503})) == 1
    assert refusal(apps.list)["code"] == 503
    ask("POST", {"status": 503, "times": 100})
    assert ask("DELETE") == []
    version = apps.list()["metadata"]["resourceVersion"]
    apps.create(application("one"))
    ask("POST", {"now": "expire_history"})
    with pytest.raises(ApiException, match="Expired"):
        list(apps.watch(resource_version=version, timeout_seconds=1))


def test_every_request_is_recorded(server, apps):
    apps.create(application("one"))
    refusal(apps.get, "two")
    list(apps.watch(resource_version=apps.list()["metadata"]["resourceVersion"], timeout_seconds=1))

    kept = [(each.method, each.path.rpartition("/")[2], each.status) for each in server.requests]
    assert kept == [
        ("POST", "sparkapplications", 201),
        ("GET", "two", 404),
        ("GET", "sparkapplications", 200),
        ("GET", "sparkapplications", 200),
    ]
    assert [each.query["timeoutSeconds"] for each in server.asked("WATCH", "/sparkapplications")] == ["1"]
