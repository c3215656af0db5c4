"""However often, and from however many processes, a cause is reported: one message a route, and one when it is over."""

import multiprocessing
from dataclasses import replace

import pytest
from publishing import BLOCKED, FAILED

from calve.alerts.alert import Alert
from calve.alerts.delivery import deliver
from calve.alerts.kept import open_alerts, raise_alert, recover
from calve.alerts.routes import Routes
from calve.lake.records import connect
from calve.runs import Interval
from calve.settings import RecordsSettings


def test_a_cause_reported_by_every_retry_is_told_once(conn, routes, environment, slack, pagerduty, mailbox):
    for _ in range(3):
        raise_alert(conn, FAILED)
        deliver(conn, routes, environment)

    assert (len(slack.accepted), len(pagerduty.accepted), len(mailbox.mails)) == (1, 1, 1)
    assert [kept.times for kept in open_alerts(conn)] == [3]


def test_only_the_first_report_is_news(conn):
    assert [raise_alert(conn, FAILED) for _ in range(3)] == [True, False, False]


def test_the_next_generation_of_a_blocked_run_is_the_same_cause(conn, routes, environment, slack):
    raise_alert(conn, BLOCKED)
    deliver(conn, routes, environment)
    raise_alert(conn, replace(BLOCKED, run_key="revenue@2026-02-06#1", commands=("calve audit show newest",)))
    deliver(conn, routes, environment)

    assert len(slack.accepted) == 1
    assert open_alerts(conn)[0].alert.commands == ("calve audit show newest",)


def test_another_kind_day_pipeline_scope_or_step_is_another_cause(conn):
    others = [
        BLOCKED,
        FAILED,
        replace(BLOCKED, interval=Interval.parse("2026-02-07"), run_key="revenue@2026-02-07#0"),
        replace(BLOCKED, pipeline="reference", run_key="reference@2026-02-06#0"),
        replace(BLOCKED, run_key="revenue@2026-02-06[facility_id=7]#0"),
        replace(FAILED, part="expose"),
    ]
    assert [raise_alert(conn, alert) for alert in others] == [True] * len(others)


@pytest.mark.parametrize("alert", [BLOCKED, FAILED], ids=["blocked", "failed"])
def test_the_next_days_that_fail_with_the_first_are_the_same_cause(conn, routes, environment, slack, alert):
    for until in ("2026-02-07", "2026-02-08", "2026-02-09"):
        interval = Interval.parse(f"2026-02-06/{until}")
        raise_alert(conn, replace(alert, interval=interval, run_key=f"revenue@{interval}#0"))
        deliver(conn, routes, environment)

    assert len(slack.accepted) == 1
    assert [str(kept.alert.interval) for kept in open_alerts(conn)] == ["2026-02-06/2026-02-09"]


@pytest.mark.parametrize(
    "alert",
    [
        pytest.param(replace(FAILED, part="expose"), id="a step"),
        pytest.param(replace(FAILED, kind="anomaly", part="fct_payment"), id="a dataset that warns"),
    ],
)
def test_a_step_or_a_dataset_is_one_cause_on_every_day(conn, alert):
    days = ("2026-02-06", "2026-02-07", "2026-02-08")
    news = [raise_alert(conn, replace(alert, interval=Interval.parse(day), run_key=f"revenue@{day}#0")) for day in days]

    assert news == [True, False, False]


def test_a_key_stays_within_what_services_take_and_tells_long_names_apart():
    long = replace(FAILED, part="p" * 300)

    assert len(long.key) <= 200
    assert long.key != replace(long, part="p" * 299).key


def test_a_flapping_task_is_one_incident_opened_and_resolved(conn, routes, environment, slack, pagerduty):
    settling = routes.model_copy(update={"settle_minutes": 5})
    for _ in range(4):
        raise_alert(conn, FAILED)
        deliver(conn, settling, environment)
        recover(conn, "revenue", FAILED.interval)
        deliver(conn, settling, environment)
    deliver(conn, routes, environment)
    deliver(conn, routes, environment)

    assert pagerduty.incidents == {f"calve:{FAILED.key}": ["triggered", "resolved"]}
    assert [event["event_action"] for event in pagerduty.accepted] == ["trigger", "resolve"]
    assert len(slack.accepted) == 2


def test_what_comes_back_after_its_recovery_was_told_is_a_new_incident(conn, routes, environment, pagerduty):
    for _ in range(2):
        raise_alert(conn, FAILED)
        deliver(conn, routes, environment)
        recover(conn, "revenue", FAILED.interval)
        deliver(conn, routes, environment)

    assert pagerduty.incidents == {
        f"calve:{FAILED.key}": ["triggered", "resolved"],
        f"calve:{FAILED.key}:2": ["triggered", "resolved"],
    }


def report(settings: RecordsSettings, routes: Routes, environment: dict[str, str], alert: Alert) -> None:
    """Do what each of several processes does at the same time."""
    with connect(settings) as conn:
        for _ in range(5):
            raise_alert(conn, alert)
            deliver(conn, routes, environment)


def test_processes_that_see_it_at_once_tell_it_once(conn, settings, routes, environment, services):
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=report, args=(settings, routes, environment, FAILED)) for _ in range(3)]
    for process in started:
        process.start()
    for process in started:
        process.join()

    assert [process.exitcode for process in started] == [0] * 3
    assert services.taken() == (1, 1, 1)
    assert [kept.times for kept in open_alerts(conn)] == [15]
