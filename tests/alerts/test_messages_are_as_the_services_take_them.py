"""Each message is one that the services accept by what they publish, and says what a person needs, however long."""

from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest
from publishing import BLOCKED, FAILED

from calve.alerts.alert import Link
from calve.alerts.delivery import deliver
from calve.alerts.kept import raise_alert, recover

ODD = "<b>&amp; | ``` \u00e4\u2028 {0} %s \\n > *x* "


@pytest.mark.parametrize(
    "alert",
    [
        pytest.param(BLOCKED, id="usual"),
        pytest.param(replace(FAILED, title="t" * 5000, cause="c" * 50000), id="long"),
        pytest.param(replace(FAILED, title="<&>" * 900, cause="<&>" * 9000), id="long when escaped"),
        pytest.param(replace(FAILED, title=ODD * 9, cause=ODD * 90, owners=(ODD,)), id="odd signs"),
        pytest.param(replace(FAILED, title="two\r\nBcc: x@example.com\nlines", cause="a\nb"), id="lines"),
        pytest.param(replace(FAILED, cause="", commands=(), links=(), run_key=None), id="empty"),
        pytest.param(
            replace(
                FAILED,
                commands=("calve " + "<x>" * 900,) * 90,
                links=(Link(ODD * 90, "https://x.example.com/?a=1&b=<|>"),) * 90,
            ),
            id="many",
        ),
        pytest.param(replace(FAILED, part="p" * 900), id="long part"),
        pytest.param(replace(FAILED, links=(Link("x", "https://x.example.com/" + "y" * 9000),)), id="long link"),
    ],
)
def test_every_service_takes_it_and_its_recovery(conn, routes, environment, services, alert):
    raise_alert(conn, alert)
    assert deliver(conn, routes, environment).failed == {}
    recover(conn, "revenue", alert.interval, part=alert.part)
    assert deliver(conn, routes, environment).failed == {}

    assert (services.slack.rejected, services.pagerduty.rejected) == ([], [])
    assert services.taken() == (2, 2, 2)


def test_a_message_says_what_happened_why_and_what_to_type(conn, routes, environment, slack, pagerduty, mailbox):
    raise_alert(conn, replace(BLOCKED, links=(Link("grid", "https://airflow.example.com/dags/revenue"),)))
    deliver(conn, routes, environment)

    mail = mailbox.mails[0].get_content()
    event = str(pagerduty.accepted[0])
    post = str(slack.accepted[0])
    for text in (mail, event, post):
        assert "36 of 641, 6 allowed" in text
        assert "calve run revenue --interval 2026-02-06" in text
        assert "https://airflow.example.com/dags/revenue" in text
        assert "readers still see the previous publication" in text
        assert "revenue@2026-02-06#0" in text


def test_an_incident_has_the_severity_and_what_it_is_grouped_by(conn, routes, environment, pagerduty):
    raise_alert(conn, BLOCKED)
    deliver(conn, routes, {**environment, "CALVE_ALERTS_SOURCE": "prod"})

    (event,) = pagerduty.accepted
    payload = event["payload"]
    assert event["dedup_key"] == "prod:blocked:revenue:2026-02-06"
    assert (payload["severity"], payload["source"], payload["component"]) == ("error", "prod", "revenue")
    assert (payload["group"], payload["class"]) == ("prod", "blocked")


def test_a_recovery_answers_the_mail_that_it_closes(conn, routes, environment, mailbox):
    raise_alert(conn, BLOCKED)
    deliver(conn, routes, environment)
    recover(conn, "revenue", BLOCKED.interval, reason="publication 7")
    deliver(conn, routes, environment)

    opened, recovered = mailbox.mails
    assert opened["Subject"] == f"[calve] blocked: {BLOCKED.title}"
    assert recovered["Subject"] == f"[calve] recovered: {BLOCKED.title}"
    assert recovered["In-Reply-To"] == opened["Message-ID"] != recovered["Message-ID"]
    assert "It is over: publication 7." in recovered.get_content()
    assert (opened["To"], opened["From"]) == ("a@example.com, b@example.com", "calve@example.com")
    assert parsedate_to_datetime(opened["Date"]).tzinfo is not None


def test_a_message_leads_to_the_page_that_explains_it(conn, routes, environment, slack, mailbox):
    raise_alert(conn, BLOCKED)
    deliver(conn, routes, environment | {"CALVE_ALERTS_DOCS_URL": "https://git.example.com/calve/docs/"})

    address = "https://git.example.com/calve/docs/alerts.md#blocked"
    assert f"What it means, and what to do: {address}" in mailbox.mails[0].get_content()
    assert f"<{address}|" in str(slack.accepted[0])


def test_without_an_address_the_page_is_named(conn, routes, environment, mailbox):
    raise_alert(conn, BLOCKED)
    deliver(conn, routes, environment)

    assert "explained in: docs/alerts.md#blocked" in mailbox.mails[0].get_content()
