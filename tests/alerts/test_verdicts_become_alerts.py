"""What an alert says of a verdict is what `calve run` prints, less the keys of rows."""

import re

from publishing import rule, verdict

from calve.alerts.alert import Link
from calve.alerts.findings import alerts_of_run, failure_of_run
from calve.cli import shown
from calve.runs import Run

KEY = "revenue@2026-02-06#0"
COMPLETE = rule("complete(facility_id)", "blocked", "facility_id", samples=("order_id=90117",))


def test_a_blocked_run_is_one_alert_with_rule_column_count_and_allowed(project):
    found = [
        verdict(KEY, "fct_order_line", COMPLETE, rule("unit price", "blocked", "unit_price")),
        verdict(KEY, "fct_payment", rule("unique(payment_id)", "passed")),
        verdict(KEY, "agg_facility_product_day", rule("volume", "warned")),
    ]
    (alert,) = alerts_of_run(project, KEY, found, (Link("grid", "https://airflow.example.com"),))

    assert (alert.kind, alert.owners, alert.run_key, alert.weight) == ("blocked", ("revenue",), KEY, "error")
    assert alert.title == "revenue 2026-02-06 not published: the audit blocked fct_order_line"
    assert alert.cause.splitlines() == [
        "fct_order_line: complete(facility_id): 36 of 641, 6 allowed",
        "fct_order_line: unit price on unit_price: 36 of 641, 6 allowed",
    ]


def test_datasets_of_two_owners_tell_both(project):
    found = [verdict(KEY, "fct_order_line", COMPLETE), verdict(KEY, "dim_region", COMPLETE)]
    (alert,) = alerts_of_run(project, KEY, found)

    assert alert.owners == ("revenue", "reference")


def test_a_run_that_passed_with_warnings_is_one_alert_a_dataset(project):
    found = [
        verdict(KEY, "fct_order_line", rule("drift(unit_price)", "warned"), rule("volume", "warned")),
        verdict(KEY, "fct_payment", rule("volume", "warned")),
        verdict(KEY, "agg_facility_product_day", rule("volume", "passed"), rule("0 <= x", "quarantined")),
    ]
    alerts = alerts_of_run(project, KEY, found)

    assert [(alert.kind, alert.part, alert.weight) for alert in alerts] == [
        ("anomaly", "fct_order_line", "warning"),
        ("anomaly", "fct_payment", "warning"),
    ]
    assert alerts[0].title == "fct_order_line 2026-02-06: 2 rules warned"


def test_a_run_that_passed_asks_for_nothing(project):
    assert alerts_of_run(project, KEY, [verdict(KEY, "fct_order_line", rule("volume", "passed"))]) == []


def test_no_key_of_a_row_is_told(project):
    (alert,) = alerts_of_run(project, KEY, [verdict(KEY, "fct_order_line", COMPLETE)])

    assert "90117" not in repr(alert)


def test_what_to_type_is_what_the_command_line_prints(project):
    found = [verdict(KEY, "fct_order_line", COMPLETE)]
    (alert,) = alerts_of_run(project, KEY, found)
    printed = re.findall(r"^(?:look|rerun after the fix):  (.*)$", shown.blocked(Run.parse(KEY), found), re.MULTILINE)

    assert list(alert.commands) == printed


def test_many_rules_are_counted_not_listed(project):
    rules = [rule(f"rule {n}", "blocked") for n in range(40)]
    (alert,) = alerts_of_run(project, KEY, [verdict(KEY, "fct_order_line", *rules)])

    assert len(alert.cause.splitlines()) == 13
    assert alert.cause.endswith("and 28 more")


def test_a_scoped_run_is_rerun_as_a_scoped_run(project):
    key = "revenue@2026-02-06[facility_id=7]#0"
    (alert,) = alerts_of_run(project, key, [verdict(key, "fct_order_line", COMPLETE)])

    assert alert.commands[-1] == "calve run revenue --interval 2026-02-06 --scope 'facility_id=7'"


def test_a_job_that_failed_goes_to_the_owner_of_the_pipeline(project):
    alert = failure_of_run(project, "reference@2026-02-06#0", "driver: OOMKilled, exit code 137")

    assert (alert.kind, alert.owners, alert.part) == ("failed", ("reference",), "")
    assert alert.title == "reference 2026-02-06: failed before it had a verdict"
    assert alert.commands == ("calve status", "calve run reference --interval 2026-02-06")


def test_a_step_that_failed_after_publication_is_repeated_by_itself(project):
    alert = failure_of_run(project, KEY, "no answer", part="expose")

    assert (alert.title, alert.commands) == ("revenue 2026-02-06: expose failed", ("calve status", "calve expose"))
