from dataclasses import replace

from failed_applications import (
    AGAIN,
    DELETE,
    DESCRIBE,
    DESCRIBE_POD,
    LOGS,
    NAME,
    PY4J,
    RUN,
    SPARK_75,
    STARTED,
    application,
    by_airflow,
    diagnosed,
    ended,
    event,
    facts,
    failed,
    pod,
)

from calve.kubernetes.evidence import Proof
from calve.kubernetes.names import Origin
from calve.kubernetes.triage import told, triage
from calve.lake.attempts import Way
from calve.runs import Interval, Run


def test_a_run_that_is_published_is_done_whatever_the_operator_says(project):
    """Operator issue 2755: FAILED, though the driver had done its work."""
    proof = Proof(RUN.key, publication=12)
    found = facts(application(project, error="driver pod not found"), proof=proof)

    assert diagnosed(found) == (
        "published",
        "revenue@2026-01-02#0 is published as 12, nothing is left to do; its application says FAILED",
        False,
        (DESCRIBE,),
    )


def test_an_audit_that_blocked_is_told_from_the_records(project):
    rule = "fct_order_line complete(facility_id): 36 of 641 rows break it, 6 allowed"
    found = replace(failed(project, 65, STARTED), proof=Proof(RUN.key, blocked=(rule,)))

    assert diagnosed(found) == (
        "audit-blocked",
        "the audit blocked revenue@2026-01-02#0; readers still see the previous publication",
        False,
        ("calve audit show 'revenue@2026-01-02#0'", DESCRIBE, LOGS, AGAIN),
    )
    assert triage(found).details[0] == rule


def test_an_audit_that_blocked_is_told_from_the_log_when_the_records_are_silent(project):
    log = f"{STARTED}\naudit    fct_order_line             blocked   23 rules, 1.0 s"
    found = replace(failed(project, 65, log), proof=None)

    assert triage(found).cause == "audit-blocked"
    assert triage(found).details[0] == "fct_order_line: blocked"


def test_wrong_input_is_told_in_the_drivers_own_words(project):
    said = "contract iceberg/contracts/fct_payment.yaml: Spark says no such column; correct this SQL"
    found = failed(project, 65, STARTED, f"calve: {said}")

    assert diagnosed(found) == (
        "wrong-input",
        f"the driver refused what it was given (exit 65): {said}",
        False,
        (DESCRIBE, LOGS, DELETE, AGAIN),
    )


def test_an_image_with_other_contracts_is_told(project):
    said = (
        "contracts: submitted with digest abab, this image holds cdcd; "
        "deploy the image that carries the submitter's contracts, then run again"
    )

    assert diagnosed(failed(project, 65, STARTED, f"calve: {said}"))[:3] == ("contract-mismatch", said, False)


def test_a_lease_that_somebody_holds_is_told(project):
    said = (
        "pipeline revenue: held by run revenue@2026-01-01#0 on host revenue-x-driver, pid 17, "
        "since 2026-01-03 00:10:00 until 2026-01-03 00:51:00 UTC, expected "
        "nobody; wait for that run, or end that process and run again"
    )

    assert diagnosed(failed(project, 75, f"calve: {said}")) == (
        "lease-held",
        said,
        True,
        ("calve status", DESCRIBE, LOGS, DELETE, AGAIN),
    )


def test_a_lease_that_was_lost_is_told(project):
    said = "pipeline revenue: lease epoch 7 is over, expected it to be the newest; another run took over"

    assert diagnosed(failed(project, 75, STARTED, f"calve: {said}"))[:3] == ("lease-lost", said, True)


def test_it_is_told_from_the_operators_message_alone_when_the_pod_is_gone(project):
    app = application(project, error="driver container failed with ExitCode: 137, Reason: OOMKilled")

    assert triage(facts(app)).cause == "driver-out-of-memory"


DENIED = (
    "software.amazon.awssdk.services.s3.model.S3Exception: Access Denied "
    "(Service: S3, Status Code: 403, Request ID: 7Q, Extended Request ID: x)"
)


def test_an_object_store_that_refuses_is_told(project):
    log = PY4J.format(cause="org.apache.iceberg.exceptions.ForbiddenException: close", deepest=DENIED)
    found = failed(project, 75, STARTED, log, SPARK_75)

    assert diagnosed(found) == (
        "store-refused",
        f"the object store refuses: {DENIED}",
        False,
        ("calve doctor", DESCRIBE, LOGS, DELETE, AGAIN),
    )


def test_an_object_store_that_refuses_python_is_told(project):
    said = "object store: AccessDenied for s3://lake/x, expected it to be allowed; calve doctor tells what is wrong"

    assert diagnosed(failed(project, 75, f"calve: {said}"))[:2] == (
        "store-refused",
        f"the object store refuses: {said}",
    )


def test_a_source_that_does_not_answer_is_told(project):
    said = "source: connection failed: Connection refused; nothing was landed. Run again"

    assert diagnosed(failed(project, 75, STARTED, f"calve: {said}"))[:3] == ("source-unreachable", said, True)


def test_a_source_that_lets_go_of_spark_is_told(project):
    gone = "org.postgresql.util.PSQLException: The connection attempt failed."
    log = PY4J.format(cause="org.apache.spark.SparkException: task", deepest=gone)

    assert diagnosed(failed(project, 75, log, SPARK_75))[:2] == (
        "source-unreachable",
        f"the source database does not answer: {gone}",
    )


def test_a_catalog_that_does_not_answer_is_told(project):
    said = "catalog database db:5432/lake: connection refused, expected a connection; check that it runs"

    assert diagnosed(failed(project, 75, f"calve: {said}"))[:3] == ("catalog-unreachable", said, True)


def test_a_catalog_that_lets_go_of_spark_is_told(project):
    gone = "org.postgresql.util.PSQLException: Connection to db:5432 refused. Check that the hostname is correct."
    log = PY4J.format(cause="org.apache.iceberg.jdbc.UncheckedSQLException: Failed to connect", deepest=gone)

    assert diagnosed(failed(project, 75, log, SPARK_75))[:2] == (
        "catalog-unreachable",
        f"the catalog database does not answer: {gone}",
    )


def test_what_calve_calls_temporary_is_told(project):
    said = "clock: ours is 31 s ahead of PostgreSQL's; run again"

    assert diagnosed(failed(project, 75, f"calve: {said}"))[:3] == (
        "temporary",
        f"the driver gave up, and a retry may help (exit 75): {said}",
        True,
    )


def test_a_driver_that_goes_on_is_told(project):
    found = facts(by_airflow(project), driver=pod("driver", "Running", {"running": {}}))

    assert diagnosed(found)[:3] == ("running", "it is RUNNING, and nothing is wrong so far", False)
    assert triage(found).again == ()


def test_a_driver_that_ended_well_without_a_publication_is_told(project):
    found = facts(application(project, "COMPLETED"), driver=ended(0, "Completed"))

    assert diagnosed(found)[:2] == (
        "unproven",
        "the driver ended with 0, but the records hold no publication of revenue@2026-01-02#0",
    )
    assert diagnosed(replace(found, proof=None))[1] == "the driver ended with 0; whether it published could not be read"


def test_an_exit_that_nobody_knows_is_told_with_the_last_exception(project):
    log = 'Traceback (most recent call last):\n  File "/opt/x.py", line 3, in run\n    y\nKeyError: 7'

    assert diagnosed(failed(project, 1, log)) == (
        "unknown",
        "the driver ended with exit code 1, which calve does not know: KeyError: 7",
        True,
        (DESCRIBE, LOGS, DELETE, AGAIN),
    )


def test_a_command_pod_is_told_like_an_application():
    state = {"terminated": {"exitCode": 75, "reason": "Error"}}
    found = pod("driver", "Failed", state) | {"kind": "Pod"}
    found["metadata"] |= {"name": "revenue-expose-1-t1"}
    log = ("calve: snowflake acct: found no answer, expected a connection; run again",)
    known = replace(facts(found, driver=found, log=log, proof=None), name="revenue-expose-1-t1")

    assert diagnosed(known) == (
        "temporary",
        "the command gave up, and a retry may help (exit 75): "
        "snowflake acct: found no answer, expected a connection; run again",
        True,
        (
            "kubectl -n lake-dev describe pod revenue-expose-1-t1",
            "kubectl -n lake-dev logs revenue-expose-1-t1",
        ),
    )


def test_all_of_it_is_one_text(project):
    found = replace(
        failed(project, 137, STARTED, reason="OOMKilled"),
        events=(event("SparkDriverFailed", f"Driver {NAME}-driver failed"),),
        proof=Proof(RUN.key, last_good="publication 11 of revenue@2026-01-01#0, 2026-01-02 00:41 UTC"),
        unreadable=("quotas: 403 Forbidden",),
    )

    assert (
        told(triage(found))
        == f"""\
{NAME}: driver-out-of-memory, a retry can't help
  the driver was killed (exit 137, OOMKilled): it took more memory than its pod may
  driver memory 2g (size medium); size large in iceberg/pipelines.yaml gives 4g
  state FAILED: driver container failed with ExitCode: 137, Reason: OOMKilled
  event SparkDriverFailed: Driver {NAME}-driver failed
  run revenue@2026-01-02#0, of team revenue-data
  last good: publication 11 of revenue@2026-01-01#0, 2026-01-02 00:41 UTC
  not readable: quotas: 403 Forbidden
look:   {DESCRIBE_POD}
look:   {DESCRIBE}
look:   {LOGS}
again:  {DELETE}
again:  {AGAIN}"""
    )


def test_what_was_asked_for_is_asked_for_again(project):
    run = Run("revenue", Interval.parse("2026-01-01/2026-02-01"), "facility_id=7; x", 2)
    app = application(project, "FAILED", "driver pod not found", run=run, way=Way("reload"))

    found = triage(facts(app, proof=None))

    assert found.again[-1] == (
        "calve manifest revenue --interval 2026-01-01/2026-02-01 --scope 'facility_id=7; x' --reload"
        " | kubectl apply -f -"
    )


def test_what_airflow_made_is_airflows_to_make_again(project):
    app = application(project, "FAILED", "driver pod not found", origin=Origin("revenue", "stage", "manual__1", -1, 2))

    found = triage(facts(app, proof=None))

    assert found.again == ("airflow tasks clear revenue -t stage --downstream --only-failed",)
    assert "made by Airflow: dag revenue, task stage, run manual__1, try 2" in found.details


def test_chosen_datasets_are_asked_for_again(project):
    way = Way("reprocess", ("agg_facility_product_day", "fct_payment"))

    found = triage(facts(application(project, "FAILED", "driver pod not found", way=way), proof=None))

    assert found.again[-1] == (
        "calve manifest revenue --interval 2026-01-02 --reprocess --datasets agg_facility_product_day,fct_payment"
        " | kubectl apply -f -"
    )
