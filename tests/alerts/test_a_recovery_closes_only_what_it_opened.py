"""A recovery goes to those who were told, about the alerts that are over, and about no others."""

from dataclasses import replace

import pytest
from publishing import BLOCKED, FAILED, publish

from calve.alerts.alert import Alert
from calve.alerts.delivery import deliver
from calve.alerts.kept import close, open_alerts, raise_alert, recover, recover_published, recover_step
from calve.alerts.routes import Route, Routes, SlackTarget
from calve.runs import Interval

ANOMALY = Alert(
    kind="anomaly",
    pipeline="revenue",
    interval=Interval.parse("2026-02-06"),
    owners=("revenue",),
    title="a 2026-02-06: 1 rule warned",
    cause="a: drift(price)",
    run_key="revenue@2026-02-06#0",
    part="a",
)


def keys(conn):
    return [kept.key for kept in open_alerts(conn) if kept.recovered_at is None]


def test_a_recovery_leaves_other_pipelines_days_kinds_and_steps_open(conn):
    others = [
        replace(FAILED, pipeline="reference", run_key="reference@2026-02-06#0"),
        replace(FAILED, interval=Interval.parse("2026-02-07"), run_key="revenue@2026-02-07#0"),
        replace(FAILED, interval=Interval.parse("2026-02-05/2026-02-08"), run_key="revenue@2026-02-05/2026-02-08#0"),
        replace(FAILED, part="expose"),
        BLOCKED,
    ]
    for alert in (FAILED, *others):
        raise_alert(conn, alert)

    assert recover(conn, "revenue", FAILED.interval, kinds=("failed",)) == 1
    assert keys(conn) == [alert.key for alert in others]


def test_a_step_that_works_again_closes_its_own_alert(conn):
    raise_alert(conn, FAILED)
    raise_alert(conn, replace(FAILED, part="expose"))

    assert recover(conn, "revenue", FAILED.interval, part="expose") == 1
    assert keys(conn) == [FAILED.key]


def test_a_step_that_works_again_closes_what_was_seen_on_other_days(conn):
    raise_alert(conn, replace(FAILED, part="expose"))
    others = [replace(FAILED, part="report"), replace(FAILED, part="expose", pipeline="reference", run_key=None)]
    for alert in others:
        raise_alert(conn, alert)

    assert recover_step(conn, "expose", "revenue") == 1
    assert keys(conn) == [alert.key for alert in others]


def test_a_step_that_serves_all_pipelines_closes_the_alerts_of_all(conn):
    for pipeline in ("reference", "revenue"):
        raise_alert(conn, replace(FAILED, part="expose", pipeline=pipeline, run_key=None))

    assert recover_step(conn, "expose") == 2
    assert keys(conn) == []


def test_an_alert_that_grew_is_over_when_all_of_its_days_are_published(conn):
    raise_alert(conn, FAILED)
    longer = Interval.parse("2026-02-06/2026-02-08")
    raise_alert(conn, replace(FAILED, interval=longer, run_key="revenue@2026-02-06/2026-02-08#0"))
    publish(conn, "revenue@2026-02-06#0")
    assert recover_published(conn) == 0

    publish(conn, "revenue@2026-02-07#0")
    assert recover_published(conn) == 1


def test_a_route_that_was_not_told_hears_no_recovery(conn, environment, slack, mailbox, routes):
    only_critical = routes.routes[2].model_copy(update={"severities": ("critical",)})
    narrowed = routes.model_copy(update={"routes": (routes.routes[0], only_critical)})
    raise_alert(conn, FAILED)
    deliver(conn, narrowed, environment)
    recover(conn, "revenue", FAILED.interval)
    deliver(conn, narrowed, environment)

    assert (len(slack.accepted), len(mailbox.mails)) == (2, 0)


def test_a_route_that_is_added_later_hears_no_old_news(conn, environment, slack, mailbox, routes):
    raise_alert(conn, FAILED)
    deliver(conn, routes.model_copy(update={"routes": routes.routes[:1]}), environment)
    deliver(conn, routes, environment)
    recover(conn, "revenue", FAILED.interval)
    deliver(conn, routes, environment)

    assert (len(slack.accepted), len(mailbox.mails)) == (2, 0)


def test_a_route_may_do_without_recoveries(conn, environment, slack):
    routes = Routes(
        settle_minutes=0, routes=(Route(route="channel", recoveries=False, slack=SlackTarget(webhook="SLACK")),)
    )
    raise_alert(conn, FAILED)
    deliver(conn, routes, environment)
    recover(conn, "revenue", FAILED.interval)
    deliver(conn, routes, environment)

    assert len(slack.accepted) == 1


@pytest.mark.parametrize("alert", [BLOCKED, FAILED], ids=["blocked", "failed"])
def test_a_later_publication_of_the_interval_ends_it(conn, alert):
    raise_alert(conn, alert)
    assert recover_published(conn) == 0

    publish(conn, "revenue@2026-02-06#1")
    assert recover_published(conn) == 1
    assert keys(conn) == []


def test_a_publication_of_more_days_ends_it_and_one_of_a_part_does_not(conn):
    raise_alert(conn, BLOCKED)
    publish(conn, "revenue@2026-02-06[facility_id=7]#1")
    publish(conn, "revenue@2026-02-07#0")
    assert recover_published(conn) == 0

    publish(conn, "revenue@2026-02-05/2026-02-08#0", datasets=())
    assert recover_published(conn) == 1


def test_days_published_one_by_one_end_it_with_the_last(conn):
    raise_alert(
        conn,
        replace(BLOCKED, interval=Interval.parse("2026-02-06/2026-02-08"), run_key="revenue@2026-02-06/2026-02-08#0"),
    )
    publish(conn, "revenue@2026-02-07#0")
    assert recover_published(conn) == 0

    publish(conn, "revenue@2026-02-06#0")
    assert recover_published(conn) == 1


def test_an_earlier_publication_does_not_end_a_blocked_reprocess(conn):
    publish(conn, "revenue@2026-02-06#0")
    raise_alert(conn, replace(BLOCKED, run_key="revenue@2026-02-06#1"))

    assert recover_published(conn) == 0


def test_a_report_that_comes_after_the_publication_opens_nothing(conn):
    publish(conn, "revenue@2026-02-06#1")

    assert raise_alert(conn, BLOCKED) is False
    assert raise_alert(conn, FAILED) is False
    assert keys(conn) == []


def test_a_step_that_failed_after_publication_stays_open_until_somebody_says_so(conn):
    publish(conn, "revenue@2026-02-06#0")
    raise_alert(conn, replace(FAILED, part="expose"))
    publish(conn, "revenue@2026-02-06#1", datasets=())

    assert recover_published(conn) == 0
    assert recover(conn, "revenue", FAILED.interval, part="expose") == 1


def test_an_anomaly_ends_with_the_next_publication_without_its_warning(conn):
    raise_alert(conn, ANOMALY)
    publish(conn, "revenue@2026-02-06#0", warned=("a",))
    publish(conn, "revenue@2026-02-07#0", warned=("a",))
    assert recover_published(conn) == 0

    publish(conn, "revenue@2026-02-08#0")
    assert recover_published(conn) == 1


def test_a_person_closes_what_nobody_else_does(conn, routes, environment, pagerduty):
    raise_alert(conn, replace(FAILED, part="report"))
    deliver(conn, routes, environment)
    (kept,) = open_alerts(conn)

    assert close(conn, kept.number, "looked at it") is True
    assert close(conn, kept.number, "looked at it") is False
    deliver(conn, routes, environment)
    assert pagerduty.incidents == {f"calve:{kept.key}": ["triggered", "resolved"]}
