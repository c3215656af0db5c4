import pytest
from failed_applications import LOST, PY4J, STARTED, application, event, facts, failed

from calve.kubernetes.driver_log import MOST_LINES, exceptions, said_by_calve
from calve.kubernetes.triage import told, triage
from calve.redaction import redacted

DENIED = "software.amazon.awssdk.services.s3.model.S3Exception: Access Denied (Service: S3, Status Code: 403)"
CLOSED = "org.apache.iceberg.exceptions.ForbiddenException: close"


def lines(*text):
    return "\n".join(text).splitlines()


def test_the_last_message_of_calve_is_found():
    log = lines(
        "calve: an earlier one",
        "of two lines",
        STARTED,
        "calve: pipeline revenue: held; wait",
        "26/01/03 00:50:00 WARN x: y",
    )

    assert said_by_calve(log) == ("pipeline revenue: held; wait",)


def test_a_message_of_many_lines_is_found_whole():
    log = lines("calve: contracts: 2 mistakes", "  a.yaml:1: x", "  b.yaml:2: y", "26/01/03 00:50:00 INFO Shutdown: z")

    assert said_by_calve(log) == ("contracts: 2 mistakes", "  a.yaml:1: x", "  b.yaml:2: y")


def test_a_long_message_is_cut():
    assert len(said_by_calve(lines("calve: x", *["  y"] * 100))) == MOST_LINES


def test_a_log_without_a_message_has_none():
    assert said_by_calve(lines(STARTED)) == ()


def test_causes_come_deepest_first_and_then_where_python_was():
    log = lines(STARTED, PY4J.format(cause=CLOSED, deepest=DENIED), "calve: spark: x")

    assert exceptions(log) == (
        DENIED,
        CLOSED,
        "org.apache.spark.SparkException: "
        "Job aborted due to stage failure: Task 3 in stage 7.0 failed 4 times, most recent",
        'at File "/opt/spark/python/pyspark/errors/exceptions/captured.py", line 179, in deco',
        'at File "/opt/calve/lib/calve/spark/land.py", line 91, in land',
        'at File "/opt/calve/lib/calve/spark/session.py", line 58, in explained',
    )


def test_a_stage_that_waited_for_one_slow_task_is_told(project):
    slow = "stage 41: its slowest task took 310.0 s, half of them at most 9.5 s"
    log = (
        "skew     dim_account                stage 7: x",
        f"skew     fct_order_line             {slow}",
        "calve: spark: y",
    )
    text = told(triage(facts(application(project, error="deadline"), log=tuple(log))))

    assert f"skewed: fct_order_line {slow}" in text
    assert "skewed: dim_account stage 7: x" in text


def test_only_the_last_chain_counts():
    log = lines(PY4J.format(cause="a.b.OldException: x", deepest="a.b.OlderException: y"), "java.io.IOException: new")

    assert exceptions(log)[0] == "java.io.IOException: new"
    assert "Old" not in str(exceptions(log))


def test_a_python_traceback_alone_is_told_by_its_error_and_where():
    log = lines(
        "Traceback (most recent call last):",
        '  File "/opt/a.py", line 1, in main',
        "    run()",
        '  File "/opt/b.py", line 2, in run',
        "    raise KeyError",
        "KeyError: 'x'",
    )

    assert exceptions(log) == (
        "KeyError: 'x'",
        'at File "/opt/b.py", line 2, in run',
        'at File "/opt/a.py", line 1, in main',
    )


def test_an_exception_at_the_end_of_a_stamped_line_is_found():
    log = lines(
        "26/01/03 00:32:00 ERROR SparkContext: Error initializing SparkContext.",
        "java.io.IOException: no space",
        "\tat x",
    )

    assert exceptions(log) == ("java.io.IOException: no space",)


def test_a_chain_is_cut_to_ten_lines():
    log = lines("a.b.CException: 0", *[f"Caused by: a.b.CException: {n} {'x' * 1000}" for n in range(1, 40)])

    found = exceptions(log)
    assert len(found) == 10
    assert found[0].startswith("a.b.CException: 39")
    assert max(map(len, found)) <= 300


@pytest.mark.parametrize("log", [[], [""], ["\x00\xff"], lines(LOST), ["Traceback (most recent call last):"]])
def test_any_log_can_be_read(log):
    assert exceptions(log) == ()
    assert said_by_calve(log) == ()


SECRETS = {
    "an address": ("postgresql://calve:hunter2@db:5432/lake", "postgresql://***@db:5432/lake"),
    "an address of JDBC": ("jdbc:postgresql://calve:hunter2@db/lake", "jdbc:postgresql://***@db/lake"),
    "an address with signs": ("postgres://calve:hunter2/@x@db/lake", "postgres://***@db/lake"),
    "a parameter": ("jdbc:postgresql://db/lake?user=calve&password=hunter2&ssl=true", "password=***&ssl=true"),
    "a setting": ("CALVE_SNOWFLAKE_PASSWORD=hunter2 next", "CALVE_SNOWFLAKE_PASSWORD=*** next"),
    "a property": ("spark.sql.catalog.lake.s3.secret-access-key -> x, jdbc.password=hunter2", "jdbc.password=***"),
    "JSON": ('{"password": "hunter2 and more", "a": 1}', '{"password": ***, "a": 1}'),
    "a key of AWS": ("AccessKeyId AK" + "IAIOSFODNN7EXAMPLE is unknown", "AccessKeyId *** is unknown"),
    "a secret key of AWS": ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!", "key ***!"),
    "a named key": ("aws_secret_access_key: wJalr", "aws_secret_access_key: ***"),
    "a signed address": ("https://b.s3/x?X-Amz-Signature=abc123&y=1", "https://b.s3/x?X-Amz-Signature=***&y=1"),
    "a bearer": ("Authorization: Bearer eyJhbGciOi.x.y", "Bearer ***"),
    "a private key": ("-----BEGIN RSA PRIVATE " + "KEY-----\nMIIE\n-----END RSA PRIVATE " + "KEY----- x", "*** x"),
    "a mail address": ("account jane.doe@example.org is twice", "account *** is twice"),
    "a key of PostgreSQL": (
        "Detail: Key (email, x)=(jane doe, (7)) already exists.",
        "Key (email, x)=(***) already exists.",
    ),
    "a row of PostgreSQL": ("Detail: Failing row contains (7, Jane Doe, 1970-01-01).", "contains (***)."),
    "a value of PostgreSQL": ('invalid input syntax for type integer: "Jane"', 'type integer: "***"'),
    "a value of Spark": ("The value 'Jane Doe' of the type \"STRING\" cannot be cast", "The value *** of the type"),
}


@pytest.mark.parametrize(("text", "expected"), SECRETS.values(), ids=SECRETS)
def test_secrets_and_values_of_rows_do_not_go_through(text, expected):
    found = redacted(text)

    assert expected in found
    for secret in ("hunter2", "wJalr", "IAIOS", "MIIE", "Jane", "jane", "eyJ", "abc123"):
        assert secret not in found


@pytest.mark.parametrize(
    "text",
    [
        "pipeline revenue: held by run revenue@2026-01-01#0 on host x, pid 17, expected nobody; wait",
        'secret "calve-secrets" not found',
        'FATAL: password authentication failed for user "calve"',
        "contracts: submitted with digest 4f1c2d9e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d, this image",
        "commit 4f1c2d9e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d",
        "s3://lake/warehouse/curated/fct_order_line/metadata/00001.metadata.json",
        "registry.example.org/spark@sha256:4f1c2d",
        "0/3 nodes are available: 3 Insufficient cpu.",
    ],
)
def test_what_is_no_secret_goes_through(text):
    assert redacted(text) == text


def test_no_secret_goes_through_a_diagnosis(project):
    address = "postgresql://calve:hunter2@db/lake"
    log = PY4J.format(cause=f"java.sql.SQLException: {address}", deepest=f"java.io.IOException: {address}")
    known = failed(project, 75, log, f"calve: catalog database {address}: gone")
    waiting = facts(application(project, "SUBMISSION_FAILED", f"failed to submit: Exception {address}"))
    told_by_event = facts(application(project, "FAILED", address), events=(event("Failed", address),))

    for found in (known, waiting, told_by_event):
        assert "hunter2" not in told(triage(found))
        assert "postgresql://***@db/lake" in told(triage(found))
