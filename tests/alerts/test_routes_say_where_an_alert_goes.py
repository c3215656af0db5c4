"""`iceberg/alerts.yaml`: severity, owner and pipeline decide; every mistake is told with its line, and no secret."""

from dataclasses import replace

import pytest
from publishing import BLOCKED

from calve.alerts.delivery import deliver
from calve.alerts.kept import open_alerts, raise_alert
from calve.alerts.routes import FILE, MailTarget, Route, Routes, examine_routes, load_routes, read_routes
from calve.errors import ContractError

OVERDUE = replace(BLOCKED, kind="overdue")
REFERENCE = replace(BLOCKED, pipeline="reference", owners=("reference",), run_key="reference@2026-02-06#0")
MAIL = MailTarget(to=("a@example.com",))


@pytest.mark.parametrize(
    ("filters", "alert", "takes"),
    [
        pytest.param({}, BLOCKED, True, id="no filter takes all"),
        pytest.param({"severities": ("critical",)}, BLOCKED, False, id="less severe"),
        pytest.param({"severities": ("critical",)}, OVERDUE, True, id="as severe"),
        pytest.param({"severities": ("critical", "error")}, BLOCKED, True, id="one of the severities"),
        pytest.param({"owners": ("reference",)}, BLOCKED, False, id="another owner"),
        pytest.param({"owners": ("reference",)}, REFERENCE, True, id="the owner"),
        pytest.param(
            {"owners": ("reference",)}, replace(BLOCKED, owners=("revenue", "reference")), True, id="one owner"
        ),
        pytest.param({"pipelines": ("reference",)}, BLOCKED, False, id="another pipeline"),
        pytest.param({"pipelines": ("reference",)}, REFERENCE, True, id="the pipeline"),
        pytest.param({"owners": ("revenue",), "severities": ("critical",)}, BLOCKED, False, id="all filters count"),
        pytest.param({"severities": ("info",)}, replace(BLOCKED, severity="info"), True, id="its own severity"),
    ],
)
def test_severity_owner_and_pipeline_decide(filters, alert, takes):
    routes = Routes(routes=(Route(route="r", mail=MAIL, **filters),))

    assert bool(routes.taking(alert)) is takes


def test_the_file_may_weigh_a_kind_otherwise(conn, environment, mailbox):
    route = Route(route="people", severities=("critical",), mail=MAIL)
    raise_alert(conn, BLOCKED)
    deliver(conn, Routes(severities={"blocked": "critical"}, routes=(route,)), environment)

    assert len(mailbox.mails) == 1
    assert "severity: critical" in mailbox.mails[0].get_content()
    assert open_alerts(conn)[0].alert.severity == "critical"


def test_an_alert_without_a_route_is_kept_and_nothing_fails(conn, environment):
    raise_alert(conn, BLOCKED)

    assert deliver(conn, Routes(), environment).sent == 0
    assert len(open_alerts(conn)) == 1


@pytest.fixture
def folder(project, tmp_path):
    """A project of which `iceberg/alerts.yaml` is the given text."""
    (tmp_path / "iceberg").mkdir()

    def write(text):
        (tmp_path / FILE).write_text(text)
        return replace(project, folder=tmp_path)

    return write


def test_the_routes_of_this_repository_are_read(project):
    assert {route.route for route in load_routes(project).routes} >= {"on_call", "revenue_channel"}


def test_a_project_without_the_file_has_no_routes(project, tmp_path):
    assert load_routes(replace(project, folder=tmp_path)) == Routes()


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        pytest.param("- x\n", 1, "found a list, expected `routes:`", id="a list"),
        pytest.param("routes:\n  - rout: a\n", 2, "unknown field", id="unknown field"),
        pytest.param("routes:\n  - route: a\n", 2, "exactly one of slack, mail, incident", id="no target"),
        pytest.param(
            "routes:\n  - route: a\n    slack: {webhook: A}\n    incident: {routing_key: B}\n",
            2,
            "found slack, incident as target",
            id="two targets",
        ),
        pytest.param(
            "routes:\n  - route: a\n    severities: [kritical]\n    slack: {webhook: A}\n",
            3,
            "found 'kritical', expected one of critical, error, warning, info; did you mean critical?",
            id="severity",
        ),
        pytest.param(
            "routes:\n  - route: a\n    owners: [revenu]\n    slack: {webhook: A}\n",
            3,
            "found 'revenu', expected a declared owner (`alerts:` of an owner): reference, revenue",
            id="owner",
        ),
        pytest.param(
            "routes:\n  - route: a\n    pipelines: [revenu]\n    slack: {webhook: A}\n",
            3,
            "did you mean revenue?",
            id="pipeline",
        ),
        pytest.param(
            "routes:\n  - route: a\n    slack: {webhook: A}\n  - route: a\n    slack: {webhook: B}\n",
            4,
            "found 'a' again",
            id="doubled name",
        ),
        pytest.param("severities: {blokked: error}\n", 1, "blocked", id="kind"),
        pytest.param("settle_minutes: -1\n", 1, "expected at least 0", id="settle"),
        pytest.param("routes:\n  - route: a\n    mail: {to: [nobody]}\n", 3, "is not a mail address", id="address"),
        pytest.param("routes:\n  - route: a\n    mail: {to: []}\n", 3, "name at least one", id="nobody"),
        pytest.param("routes: [\n", 2, "is not YAML", id="no yaml"),
    ],
)
def test_a_mistake_is_told_with_its_line(folder, text, line, told):
    routes, mistakes = examine_routes(folder(text))

    assert routes is None
    assert any(m.line == line and told in str(m) for m in mistakes), "\n".join(map(str, mistakes))
    assert all(str(m).startswith(f"{FILE}:") for m in mistakes)


def test_an_address_in_place_of_a_variable_is_refused_and_not_repeated(folder):
    text = "routes:\n  - route: a\n    slack: {webhook: 'https://hooks.slack.com/services/T0/B0/hunter22'}\n"

    with pytest.raises(ContractError) as caught:
        load_routes(folder(text))
    assert "name of an environment variable" in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_an_unknown_name_lists_the_routes_that_there_are(project):
    with pytest.raises(ContractError, match="did you mean on_call"):
        load_routes(project).named("oncall")


def test_routes_can_be_read_whatever_the_contracts_are_like(tmp_path):
    (tmp_path / "iceberg" / "contracts").mkdir(parents=True)
    (tmp_path / "iceberg" / "contracts" / "a.yaml").write_text("no: [yaml")
    (tmp_path / FILE).write_text("routes:\n  - {route: people, owners: [nobody], mail: {to: [a@example.com]}}\n")

    assert [route.route for route in read_routes(tmp_path).routes] == ["people"]


def test_a_mistake_of_the_routes_themselves_is_told_all_the_same(tmp_path):
    (tmp_path / "iceberg").mkdir()
    (tmp_path / FILE).write_text("routes:\n  - {route: people}\n")

    with pytest.raises(ContractError, match=r"iceberg/alerts\.yaml:2: .*exactly one of slack, mail, incident"):
        read_routes(tmp_path)
