"""`calve alerts`: a person sees what is open and waits, sends it, tries a route; nothing heavy is imported for that."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from publishing import BLOCKED

from calve.alerts.kept import open_alerts, raise_alert
from calve.cli.alerts import alerts
from calve.lake.records import migrate

FILE = """
settle_minutes: 0
routes:
  - route: channel
    slack: {webhook: SLACK}
  - route: on_call
    incident: {routing_key: KEY}
  - route: people
    mail: {to: [a@example.com]}
"""


@pytest.fixture
def calve(conn, settings, project, environment, tmp_path, monkeypatch):
    """Run `calve alerts …` on a copy of this repository's declarations with routes to the receivers."""
    (tmp_path / "iceberg").mkdir()
    for name in ("contracts", "sources", "views", "pipelines.yaml"):
        (tmp_path / "iceberg" / name).symlink_to(project.folder / "iceberg" / name)
    (tmp_path / "spark_apps").symlink_to(project.folder / "spark_apps")
    (tmp_path / "iceberg" / "alerts.yaml").write_text(FILE)
    monkeypatch.setenv("CALVE_PROFILE", "cluster")
    monkeypatch.setenv("CALVE_PROJECT", str(tmp_path))
    monkeypatch.setenv("CALVE_CATALOG_URL", settings.catalog_url.get_secret_value())
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(alerts, words, catch_exceptions=False)


def test_nothing_is_open(calve):
    assert calve("list").output == "no alert is open\n"


def test_deliver_finds_what_is_overdue_and_sends_it(calve, conn, pagerduty, slack, mailbox):
    result = calve("deliver")

    assert (result.exit_code, result.output) == (0, "2 new, 0 over, 6 messages sent\n")
    assert {kept.alert.kind for kept in open_alerts(conn)} == {"overdue"}
    assert calve("deliver").output == "0 new, 0 over, 0 messages sent\n"


def test_a_route_that_is_down_is_told_with_75(calve, conn, slack):
    slack.is_down = True
    result = calve("deliver")

    assert result.exit_code == 75
    assert "2 new, 0 over, 4 messages sent" in result.output
    assert "route channel: slack: no answer" in result.output
    assert "channel" in calve("list").output


def test_list_shows_what_is_open_for_people_and_for_programs(calve, conn):
    raise_alert(conn, BLOCKED)

    assert BLOCKED.title in calve("list").output
    (found,) = json.loads(calve("list", "--json").output)["alerts"]
    assert (found["key"], found["times"], found["commands"]) == (BLOCKED.key, 1, list(BLOCKED.commands))


def test_close_closes_once(calve, conn):
    raise_alert(conn, BLOCKED)
    number = str(open_alerts(conn)[0].number)

    assert [calve("close", number).output for _ in range(2)] == [
        f"alert {number}: closed\n",
        f"alert {number}: was not open\n",
    ]


def test_every_kind_of_route_can_be_tried(calve, slack, pagerduty, mailbox):
    for route in ("channel", "on_call", "people"):
        assert calve("test", route).exit_code == 0

    assert (slack.rejected, pagerduty.rejected) == ([], [])
    assert "Nothing is wrong" in str(slack.accepted) and "Nothing is wrong" in str(mailbox.mails[0])  # noqa: PT018
    assert pagerduty.incidents == {"calve:test:on_call": ["triggered", "resolved"]}


def test_a_trial_says_what_the_route_said(calve, slack):
    slack.faults.append((403, {}, "action_prohibited"))
    result = calve("test", "channel")

    assert result.exit_code == 75
    assert "answered 403 action_prohibited" in result.output


def test_the_records_are_migrated_again_without_harm(conn):
    assert migrate(conn) == migrate(conn)


def test_alerts_need_neither_spark_nor_airflow_nor_any_client_until_something_is_sent():
    code = """
import sys, pkgutil, importlib, calve.alerts
for module in pkgutil.iter_modules(calve.alerts.__path__, "calve.alerts."):
    importlib.import_module(module.name)
heavy = {"airflow", "pyspark", "pyiceberg", "snowflake", "boto3", "slack_sdk", "pagerduty", "croniter", "click"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
