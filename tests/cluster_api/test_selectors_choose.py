import pytest
from api_clients import application, pod, refusal


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("pipeline=revenue", ["a", "b"]),
        ("pipeline==revenue,try=1", ["a"]),
        ("pipeline!=revenue", ["c", "d"]),
        ("try in (1, 2)", ["a", "b"]),
        ("try in (1,2),pipeline notin (visits)", ["a", "b"]),  # codespell:ignore notin
        ("try notin (1)", ["b", "c", "d"]),  # codespell:ignore notin
        ("calve.dev/run", ["d"]),
        ("!pipeline", ["d"]),
        ("", ["a", "b", "c", "d"]),
    ],
)
def test_labels(apps, selector, found):
    apps.create(application("a", pipeline="revenue", **{"try": "1"}))
    apps.create(application("b", pipeline="revenue", **{"try": "2"}))
    apps.create(application("c", pipeline="visits"))
    apps.create(application("d", **{"calve.dev/run": "x"}))

    assert apps.names(label_selector=selector) == found


@pytest.mark.parametrize("selector", ["run=revenue@1", "a b", "=x"])
def test_a_selector_that_cannot_be_read_is_a_400(apps, selector):
    assert refusal(apps.list, label_selector=selector)["code"] == 400


def test_fields(server, apps, core):
    apps.create(application("a"))
    apps.create(application("b"))
    server.play.run("a")
    core.create(pod("waits"))

    def pods(selector):
        return core.pods(field_selector=selector)

    assert apps.names(field_selector="metadata.name=b") == ["b"]
    assert pods("status.phase=Running") == ["a-driver"]
    assert pods("status.phase!=Running,metadata.name=waits") == ["waits"]
    events = core.events(field_selector="involvedObject.name=a")
    assert [each.reason for each in events] == ["SparkApplicationSubmitted"]
    assert core.events(field_selector="involvedObject.name=b") == []


def test_a_field_that_cannot_be_asked_is_a_400(apps):
    found = refusal(apps.list, field_selector="status.applicationState.state=FAILED")

    assert (found["code"], found["message"]) == (400, "field label not supported: status.applicationState.state")
