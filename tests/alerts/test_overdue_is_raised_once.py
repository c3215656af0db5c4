"""Nothing published by the agreed hour: one alert for all days that stay away, over when they are there."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from publishing import publish

from calve.alerts.delivery import deliver
from calve.alerts.kept import open_alerts, raise_alert
from calve.alerts.overdue import due_at, overdue
from calve.alerts.watch import watch
from calve.contract.models import Owner, Pipeline

# Due at 00:30, and four hours may pass.
BEFORE, AFTER = datetime(2026, 2, 7, 4, 29, tzinfo=UTC), datetime(2026, 2, 7, 4, 31, tzinfo=UTC)


def piped(schedule="30 0 * * *", minutes=240, start="2026-02-06"):
    return Pipeline(
        pipeline="revenue",
        doc="d",
        schedule=schedule,
        start=start,
        deadline_minutes=minutes,
        owner=Owner(team="t", alerts="revenue"),
    )


@pytest.fixture
def one(project):
    """The project with one pipeline, which begins on 2026-02-06."""
    return replace(project, pipelines={"revenue": piped()})


@pytest.mark.parametrize(
    ("schedule", "day", "due"),
    [
        pytest.param("30 0 * * *", date(2026, 2, 6), datetime(2026, 2, 7, 0, 30, tzinfo=UTC), id="daily"),
        pytest.param("0 0 * * *", date(2026, 2, 6), datetime(2026, 2, 7, tzinfo=UTC), id="at midnight"),
        pytest.param("15 23 * * *", date(2026, 2, 6), datetime(2026, 2, 7, 23, 15, tzinfo=UTC), id="late"),
        pytest.param("0 */6 * * *", date(2026, 2, 6), datetime(2026, 2, 7, tzinfo=UTC), id="several times a day"),
        pytest.param("0 3 * * 1", date(2026, 2, 6), datetime(2026, 2, 9, 3, tzinfo=UTC), id="mondays"),
        pytest.param("0 3 * * 7", date(2026, 2, 6), datetime(2026, 2, 8, 3, tzinfo=UTC), id="sundays as 7"),
        pytest.param("30 0 * * *", date(2026, 12, 31), datetime(2027, 1, 1, 0, 30, tzinfo=UTC), id="end of a year"),
    ],
)
def test_a_day_is_due_at_the_first_schedule_time_after_it(schedule, day, due):
    assert due_at(piped(schedule), day) == due


def test_nothing_is_overdue_before_the_agreed_hour(conn, one):
    assert list(overdue(conn, one, BEFORE)) == []
    assert [alert.key for alert in overdue(conn, one, AFTER)] == ["overdue:revenue:2026-02-06"]


def test_nothing_is_due_before_the_start(conn, project):
    later = replace(project, pipelines={"revenue": piped(start="2026-02-07")})

    assert list(overdue(conn, later, AFTER)) == []


def test_what_is_published_is_not_overdue(conn, one):
    publish(conn, "revenue@2026-02-06#0")

    assert list(overdue(conn, one, AFTER)) == []


def test_it_says_when_it_was_due_and_what_to_type(conn, one):
    (alert,) = overdue(conn, one, AFTER)

    assert (alert.title, alert.owners, alert.weight) == ("revenue: 2026-02-06 not published", ("revenue",), "critical")
    assert alert.cause == (
        "Due 2026-02-07 00:30 UTC, expected by 2026-02-07 04:30 UTC, found nothing at 2026-02-07 04:31 UTC."
    )
    assert "calve run revenue" in alert.commands


def test_each_pipeline_is_told_apart(conn, project):
    assert {alert.pipeline for alert in overdue(conn, project, AFTER)} == {"reference", "revenue"}


def test_it_is_told_once_and_recovers_by_publication(conn, one, routes, environment, pagerduty):
    for minutes in range(0, 60, 5):
        watch(conn, one, AFTER + timedelta(minutes=minutes))
        deliver(conn, routes, environment)
    publish(conn, "revenue@2026-02-06#0")
    for minutes in range(60, 90, 5):
        watch(conn, one, AFTER + timedelta(minutes=minutes))
        deliver(conn, routes, environment)

    assert pagerduty.incidents == {"calve:overdue:revenue:2026-02-06": ["triggered", "resolved"]}
    assert len(pagerduty.accepted) == 2


def test_more_days_that_stay_away_are_the_same_alert(conn, one):
    news = [watch(conn, one, AFTER + timedelta(days=days))[1] for days in range(4)]

    assert news == [1, 0, 0, 0]
    (kept,) = open_alerts(conn)
    assert kept.alert.title == "revenue: 4 days from 2026-02-06 on not published"


def test_days_published_one_by_one_close_it_with_the_last(conn, one):
    moment = AFTER + timedelta(days=2)
    assert watch(conn, one, moment) == (0, 1)
    for day in ("2026-02-06", "2026-02-07"):
        publish(conn, f"revenue@{day}#0")
        assert watch(conn, one, moment) == (0, 0)
    assert [kept.key for kept in open_alerts(conn)] == ["overdue:revenue:2026-02-06"]

    publish(conn, "revenue@2026-02-08#0")
    assert watch(conn, one, moment) == (1, 0)


def test_an_alert_that_grew_is_not_over_with_its_first_day(conn, one):
    watch(conn, one, AFTER)
    watch(conn, one, AFTER + timedelta(days=1))
    publish(conn, "revenue@2026-02-06#0")

    assert watch(conn, one, AFTER + timedelta(days=1)) == (0, 0)


def test_a_gap_that_comes_later_is_another_alert(conn, one):
    publish(conn, "revenue@2026-02-06#0")
    publish(conn, "revenue@2026-02-07#0")
    (alert,) = overdue(conn, one, AFTER + timedelta(days=2))
    raise_alert(conn, alert)

    assert alert.key == "overdue:revenue:2026-02-08"


def test_a_weekly_pipeline_is_overdue_a_week_at_a_time(conn, project):
    weekly = replace(project, pipelines={"revenue": piped("0 3 * * 1")})

    assert list(overdue(conn, weekly, datetime(2026, 2, 9, 6, 59, tzinfo=UTC))) == []
    (alert,) = overdue(conn, weekly, datetime(2026, 2, 9, 7, 1, tzinfo=UTC))
    assert str(alert.interval) == "2026-02-06/2026-02-09"
