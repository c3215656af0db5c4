"""Whatever a route answers, or not: the call returns, the others are served, and the message comes later, once."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from publishing import BLOCKED, FAILED
from receivers import DROP, LOSE, server_context
from smtp_server import Mailbox, receiving

from calve.alerts.delivery import deliver
from calve.alerts.kept import raise_alert, recover
from calve.alerts.outbox import pending

LATER = timedelta(hours=2)


def clock():
    return datetime.now(UTC) + LATER


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param((429, {"Retry-After": "30"}, "rate_limited"), id="too many requests"),
        pytest.param((500, {}, "rollup_error"), id="server error"),
        pytest.param((503, {}, "busy"), id="unavailable"),
        pytest.param((403, {}, "action_prohibited"), id="forbidden"),
        pytest.param((301, {"Location": "https://localhost:1/"}, ""), id="redirect to nowhere"),
        pytest.param((200, {}, "<html>please log in</html>"), id="page of a proxy"),
        pytest.param(DROP, id="closes without an answer"),
    ],
)
@pytest.mark.parametrize("down", ["slack", "pagerduty"])
def test_a_message_waits_for_its_route_and_goes_once(conn, routes, environment, services, fault, down):
    receiver = getattr(services, down)
    receiver.faults.append(fault)
    raise_alert(conn, FAILED)

    first = deliver(conn, routes, environment)
    assert (first.sent, len(first.failed), receiver.accepted) == (2, 1, [])
    assert sorted(services.taken()) == [0, 1, 1]
    assert receiver.requests == 1

    assert deliver(conn, routes, environment).failed == {}
    assert receiver.accepted == []

    assert deliver(conn, routes, environment, now=clock()).sent == 1
    assert len(receiver.accepted) == 1
    assert pending(conn) == []


def test_a_reply_that_is_lost_doubles_no_incident(conn, routes, environment, pagerduty):
    pagerduty.faults.append(LOSE)
    raise_alert(conn, FAILED)
    deliver(conn, routes, environment)
    deliver(conn, routes, environment, now=clock())

    assert len(pagerduty.accepted) == 2
    assert pagerduty.incidents == {f"calve:{FAILED.key}": ["triggered"]}


def test_nobody_listens(conn, routes, environment, mailbox):
    environment |= {"SLACK": "https://localhost:1/x", "CALVE_ALERTS_PAGERDUTY_URL": "https://localhost:1"}
    raise_alert(conn, FAILED)

    result = deliver(conn, routes, environment)
    assert set(result.failed) == {"channel", "on_call"}
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLACK", ""),
        ("SLACK", "not an address"),
        ("SLACK", "https://localhost:port/x"),
        ("KEY", ""),
        ("CALVE_ALERTS_PAGERDUTY_URL", "http://localhost:1"),
        ("CALVE_ALERTS_SMTP_HOST", ""),
        ("CALVE_ALERTS_SMTP_PORT", "many"),
        ("CALVE_ALERTS_SMTP_TLS", "perhaps"),
        ("CALVE_ALERTS_SMTP_FROM", "two\nlines@example.com"),
    ],
)
def test_a_variable_that_is_wrong_fails_its_own_route_only(conn, routes, environment, variable, value):
    raise_alert(conn, FAILED)

    result = deliver(conn, routes, {**environment, variable: value})
    assert (result.sent, len(result.failed)) == (2, 1)


def test_pauses_grow_and_have_an_end(conn, routes, environment, slack):
    slack.is_down = True
    raise_alert(conn, FAILED)
    moment, pauses = datetime.now(UTC) + LATER, []
    for _ in range(12):
        deliver(conn, routes, environment, now=moment)
        (waiting,) = pending(conn)
        pauses.append(int((waiting.due_at - moment).total_seconds()))
        moment = waiting.due_at

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600]


def test_a_route_may_ask_for_a_longer_pause(conn, routes, environment, slack):
    slack.faults.append((429, {"Retry-After": "1000"}, ""))
    raise_alert(conn, FAILED)
    moment = clock()
    deliver(conn, routes, environment, now=moment)

    assert pending(conn)[0].due_at - moment == timedelta(seconds=1000)


def test_a_route_that_does_not_answer_is_asked_once_a_call(conn, routes, environment, slack):
    slack.is_down = True
    for day in ("2026-02-05", "2026-02-06", "2026-02-07"):
        raise_alert(conn, replace(FAILED, interval=FAILED.interval.parse(day), run_key=f"revenue@{day}#0"))

    assert deliver(conn, routes, environment).sent == 6
    assert slack.requests == 1


def test_what_is_over_before_a_route_took_it_is_told_as_over(conn, routes, environment, slack, pagerduty):
    slack.is_down = pagerduty.is_down = True
    raise_alert(conn, FAILED)
    deliver(conn, routes, environment)
    recover(conn, "revenue", FAILED.interval)
    slack.is_down = pagerduty.is_down = False
    deliver(conn, routes, environment, now=clock())

    assert [message["text"] for message in slack.accepted] == [f"recovered: {FAILED.title}"]
    assert [event["event_action"] for event in pagerduty.accepted] == ["resolve"]
    assert pending(conn) == []


def test_a_resolve_never_overtakes_its_trigger(conn, routes, environment, pagerduty):
    """The trigger is on its way in a process that is slow: the resolve waits until that one is known to be over."""
    from calve.alerts import outbox

    raise_alert(conn, FAILED)
    outbox.prepare(conn, routes)
    claimed = outbox.claim(conn, ["on_call"])
    recover(conn, "revenue", FAILED.interval)
    deliver(conn, routes, environment)
    assert pagerduty.accepted == []

    outbox.sent(conn, claimed)
    deliver(conn, routes, environment)
    assert [event["event_action"] for event in pagerduty.accepted] == ["resolve"]


def test_it_is_logged_with_route_and_answer_but_no_address(conn, routes, environment, slack, caplog):
    slack.faults.append((503, {}, "busy"))
    raise_alert(conn, FAILED)
    with caplog.at_level(logging.DEBUG):
        deliver(conn, routes, environment)

    (record,) = [each for each in caplog.records if each.getMessage() == "alert not delivered, kept for later"]
    assert (record.route, record.error, record.attempts) == ("channel", "slack: answered 503 busy, expected 200 ok", 1)
    assert not [each for each in caplog.records if slack.path in each.getMessage() + repr(vars(each))]
    assert not [each for each in caplog.records if environment["KEY"] in each.getMessage() + repr(vars(each))]


def test_a_server_that_refuses_the_mail_is_tried_again(conn, routes, environment, mailbox):
    mailbox.refusal = "451 4.3.0 try later"
    raise_alert(conn, FAILED)
    assert deliver(conn, routes, environment).failed == {
        "people": f"mail: localhost:{mailbox.port} answered 451, expected 250"
    }

    mailbox.refusal = ""
    deliver(conn, routes, environment, now=clock())
    assert len(mailbox.mails) == 1


def test_one_unknown_address_doesnt_double_the_mail_of_the_others(conn, routes, environment, mailbox):
    mailbox.unknown = {"b@example.com"}
    raise_alert(conn, FAILED)
    assert deliver(conn, routes, environment).failed == {}
    deliver(conn, routes, environment, now=clock())

    assert mailbox.recipients == [["a@example.com"]]


def test_mail_that_nobody_takes_stays(conn, routes, environment, mailbox):
    mailbox.unknown = {"a@example.com", "b@example.com"}
    raise_alert(conn, FAILED)

    assert "refused every address (550)" in deliver(conn, routes, environment).failed["people"]


@pytest.mark.parametrize(
    ("offer", "encrypted"),
    [
        pytest.param((True, "required"), [True], id="required and offered"),
        pytest.param((False, "required"), [], id="required and not offered"),
        pytest.param((True, "offered"), [True], id="offered"),
        pytest.param((False, "offered"), [False], id="taken without when not offered"),
        pytest.param((True, "off"), [False], id="off"),
    ],
)
def test_mail_is_encrypted_as_asked(conn, routes, environment, offer, encrypted, paths):
    offers, asked = offer
    with receiving(Mailbox(), server_context(paths) if offers else None) as box:
        environment |= {"CALVE_ALERTS_SMTP_PORT": str(box.port), "CALVE_ALERTS_SMTP_TLS": asked}
        raise_alert(conn, BLOCKED)
        deliver(conn, routes, environment)

        assert box.encrypted == encrypted


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(conn, routes, environment, mailbox, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    raise_alert(conn, FAILED)

    assert "SSLCertVerificationError" in deliver(conn, routes, environment).failed["people"]
    assert mailbox.mails == []


@pytest.mark.parametrize("password", ["mail-passw0rd", "wrong-passw0rd"], ids=["right", "wrong"])
def test_a_login_is_made_after_encryption(conn, routes, environment, paths, password):
    with receiving(Mailbox(), server_context(paths), auth_required=True) as box:
        login = {"CALVE_ALERTS_SMTP_USER": "calve", "CALVE_ALERTS_SMTP_PASSWORD": password}
        environment |= {"CALVE_ALERTS_SMTP_PORT": str(box.port)} | login
        raise_alert(conn, FAILED)
        result = deliver(conn, routes, environment)

        assert (len(box.mails), bool(result.failed)) == ((1, False) if password.startswith("mail") else (0, True))
        assert password not in str(result.failed)


def test_a_password_is_never_sent_in_the_open(conn, routes, environment):
    with receiving(Mailbox(), None, auth_required=True, auth_require_tls=False) as box:
        environment |= {"CALVE_ALERTS_SMTP_PORT": str(box.port), "CALVE_ALERTS_SMTP_TLS": "offered"}
        environment |= {"CALVE_ALERTS_SMTP_USER": "calve", "CALVE_ALERTS_SMTP_PASSWORD": "mail-passw0rd"}
        raise_alert(conn, FAILED)

        assert "no encryption" in deliver(conn, routes, environment).failed["people"]
        assert box.logins == []
