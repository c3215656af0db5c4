"""Who is called for a missed deadline is told why: it joins the alert that names its cause, which grows heavier."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from publishing import BLOCKED, FAILED, publish

from calve.alerts.delivery import deliver
from calve.alerts.kept import open_alerts, raise_alert
from calve.alerts.routes import Route, Routes, SlackTarget
from calve.alerts.watch import watch
from calve.contract.models import Owner, Pipeline

AFTER = datetime(2026, 2, 7, 4, 31, tzinfo=UTC)


@pytest.fixture
def one(project):
    """The project with one pipeline, which begins on 2026-02-06."""
    owner = Owner(team="t", alerts="revenue")
    only = Pipeline(pipeline="revenue", doc="d", schedule="30 0 * * *", start="2026-02-06", owner=owner)
    return replace(project, pipelines={"revenue": only})


@pytest.fixture
def calls(routes):
    """A channel for all, and a service that is called for what is critical."""
    on_call = routes.routes[1].model_copy(update={"severities": ("critical",)})
    return Routes(settle_minutes=0, routes=(routes.routes[0], on_call))


def kept(conn):
    return [(each.alert.kind, each.alert.weight) for each in open_alerts(conn)]


@pytest.mark.parametrize("cause", [BLOCKED, FAILED], ids=["blocked", "failed"])
def test_it_is_one_alert_that_calls_whom_the_deadline_calls(conn, one, calls, environment, services, cause):
    raise_alert(conn, cause)
    deliver(conn, calls, environment)
    assert services.taken() == (1, 0, 0)

    for _ in range(3):
        assert watch(conn, one, AFTER, calls) == (0, 0)
        deliver(conn, calls, environment)
    assert services.taken() == (1, 1, 0)
    assert kept(conn) == [(cause.kind, "critical")]
    lines = open_alerts(conn)[0].alert.cause.splitlines()
    assert lines[0].startswith("Overdue: revenue: 2026-02-06 not published. Due 2026-02-07 00:30 UTC")
    assert lines[1:] == cause.cause.splitlines()


def test_all_who_were_told_hear_that_it_is_over(conn, one, calls, environment, slack, pagerduty):
    raise_alert(conn, BLOCKED)
    deliver(conn, calls, environment)
    watch(conn, one, AFTER, calls)
    deliver(conn, calls, environment)
    publish(conn, "revenue@2026-02-06#1")
    assert watch(conn, one, AFTER, calls) == (1, 0)
    deliver(conn, calls, environment)

    assert len(slack.accepted) == 2
    assert pagerduty.incidents == {f"calve:{BLOCKED.key}": ["triggered", "resolved"]}


def test_a_cause_that_is_seen_again_stays_as_heavy(conn, one, calls, environment):
    raise_alert(conn, BLOCKED)
    watch(conn, one, AFTER, calls)
    raise_alert(conn, BLOCKED)
    deliver(conn, calls, environment)

    assert kept(conn) == [("blocked", "critical")]


def test_deadlines_that_weigh_less_make_nothing_lighter(conn, one, calls):
    raise_alert(conn, BLOCKED)
    watch(conn, one, AFTER, calls.model_copy(update={"severities": {"overdue": "warning"}}))

    assert kept(conn) == [("blocked", "error")]


def test_a_deadline_that_was_told_first_stays_an_alert_of_its_own(conn, one, calls):
    assert watch(conn, one, AFTER, calls) == (0, 1)
    raise_alert(conn, BLOCKED)
    watch(conn, one, AFTER, calls)

    assert kept(conn) == [("overdue", "critical"), ("blocked", "error")]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(BLOCKED, pipeline="reference", run_key="reference@2026-02-06#0"), id="pipeline"),
        pytest.param(replace(FAILED, part="expose"), id="a step after publication"),
        pytest.param(replace(BLOCKED, run_key="revenue@2026-02-06[facility_id=7]#0"), id="a part of the day"),
    ],
)
def test_what_is_not_its_cause_it_does_not_join(conn, one, calls, other):
    raise_alert(conn, other)

    assert watch(conn, one, AFTER, calls)[1] == 1


def test_a_route_is_named_once_however_often_an_alert_grows(conn, one, environment, slack):
    routes = Routes(settle_minutes=0, routes=(Route(route="channel", slack=SlackTarget(webhook="SLACK")),))
    raise_alert(conn, BLOCKED)
    for _ in range(2):
        deliver(conn, routes, environment)
        watch(conn, one, AFTER, routes)

    assert len(slack.accepted) == 1
