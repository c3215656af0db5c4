"""What looks like a secret is in no message, no record and no log, wherever it came from."""

from dataclasses import replace

import pytest
from publishing import BLOCKED, FAILED

from calve.alerts.alert import Link
from calve.alerts.delivery import deliver
from calve.alerts.kept import raise_alert, recover
from calve.lake.records import query
from calve.redaction import redacted

# Each in two parts, so that this file holds nothing that looks like one.
AWS_KEY = "AK" + "IAIOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
JWT = "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiJ4In0xx.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param("could not connect to postgresql://calve:hunter22@db/lake", "hunter22", id="address"),
        pytest.param("postgres://calve:hun@ter/22@db/lake failed", "ter/22", id="address torn by its password"),
        pytest.param("s3://key:hunter22@host/bucket", "hunter22", id="another scheme"),
        pytest.param("connection: host=db password=hunter22 dbname=lake", "hunter22", id="key and value"),
        pytest.param("password='hunter 22' user=x", "hunter 22", id="quoted value"),
        pytest.param('{"PGPASSWORD": "hunter22"}', "hunter22", id="json"),
        pytest.param(f"{'x' * 90}_password=hunter22", "hunter22", id="long name"),
        pytest.param("line\n" * 3000 + "password=hunter22", "hunter22", id="end of a long text"),
        pytest.param("CALVE_SNOWFLAKE_PASSWORD=hunter22", "hunter22", id="variable"),
        pytest.param("spark.hadoop.fs.s3a.secret.key=hunter22", "hunter22", id="property of spark"),
        pytest.param("fs.s3a.access.key -> x; s3_secret_access_key: hunter22", "hunter22", id="yaml"),
        pytest.param("snowsql --password hunter22 -q x", "hunter22", id="option"),
        pytest.param("Authorization: Bearer hunter22hunter22", "hunter22", id="bearer"),
        pytest.param("Authorization: Basic aHVudGVyMjI=", "aHVudGVyMjI", id="basic"),
        pytest.param("GET /x?X-Amz-Signature=hunter22&y=1", "hunter22", id="signed address"),
        pytest.param("https://hooks.slack.com/services/T0/B0/hunter22", "hunter22", id="webhook"),
        pytest.param(f"InvalidAccessKeyId: {AWS_KEY} does not exist", AWS_KEY, id="aws key"),
        pytest.param(f"signed with {AWS_SECRET}, refused", AWS_SECRET, id="aws secret"),
        pytest.param("Key (email)=(ann@example.com) already exists.", "ann@", id="key of a row"),
        pytest.param("Failing row contains (7, Ann, null).", "Ann", id="a row"),
        pytest.param('invalid input syntax for type integer: "Ann"', "Ann", id="a value"),
        pytest.param(f"token was {JWT}", JWT, id="jwt"),
        pytest.param(
            "-----BEGIN PRIVATE " + "KEY-----\nhunter22\n-----END PRIVATE " + "KEY-----", "hunter22", id="key"
        ),
    ],
)
def test_a_secret_is_taken_out(text, secret):
    assert secret not in redacted(text)
    assert "***" in redacted(text) or len(text) > len(redacted(text))


@pytest.mark.parametrize(
    "text",
    [
        BLOCKED.cause,
        "fct_order_line: 0 <= unit_price: 3 of 641, 6 allowed",
        "calve audit show 'revenue@2026-02-06#0'",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b of main",
        "org.apache.spark.SparkException: Job aborted due to stage failure: Task 3 in stage 7.0 failed 4 times",
        "exit code 137 (OOMKilled), driver of revenue-20260206-0",
        "column account_key is gone; expected what iceberg/sources/account.yaml describes",
        "permission denied for table sales_order",
        "https://airflow.example.com/dags/revenue/grid?dag_run_id=scheduled__2026-02-06",
        "the basic cause was a bearer of bad news",
    ],
)
def test_what_a_person_needs_stays(text):
    assert redacted(text) == text


def test_values_that_are_known_are_taken_out_wherever_they_stand():
    assert redacted("reply to plainvalue42: no", ["plainvalue42", ""]) == "reply to ***: no"


def test_no_route_and_no_record_gets_a_secret(conn, routes, environment, slack, pagerduty, mailbox):
    leaking = replace(
        FAILED,
        title="cannot reach postgresql://calve:hunter22@db/lake",
        cause="password=hunter22",
        commands=("psql postgresql://calve:hunter22@db/lake",),
        links=(Link("log", "https://logs.example.com/x?token=hunter22"),),
    )
    raise_alert(conn, leaking)
    deliver(conn, routes, environment)
    recover(conn, "revenue", FAILED.interval, reason="postgresql://calve:hunter22@db/lake answers")
    deliver(conn, routes, environment)

    assert (len(slack.accepted), len(pagerduty.accepted), len(mailbox.mails)) == (2, 2, 2)
    told = f"{slack.accepted}{pagerduty.accepted}{[str(mail) for mail in mailbox.mails]}"
    kept = f"{query(conn, 'select * from calve.alert')}{query(conn, 'select * from calve.alert_delivery')}"
    assert "hunter22" not in told + kept


@pytest.mark.parametrize("text", ["cannot post to {url}", "{path}", "{path} " * 40, "x" * 80 + "{path}"])
def test_an_answer_that_repeats_the_address_is_not_kept(conn, routes, environment, slack, text):
    slack.faults.append((400, {}, text.format(url=slack.url, path=slack.path)))
    raise_alert(conn, FAILED)
    result = deliver(conn, routes, environment)

    assert "s3cr3" not in str(result)
    assert "s3cr3" not in str(query(conn, "select last_error from calve.alert_delivery"))
