"""The records decide: green when the run is published, red with its cause when not, whatever the cluster says."""

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from driving import RULE, RUN, context_of

from calve.airflow.closing import lines
from calve.airflow.operator import SparkLink
from calve.standin.kubernetes.refusals import RefusedError


def ends(driven, code, reason=""):
    def step(name):
        driven.play.run(name)
        driven.play.end(name, code, reason)

    return step


def test_a_published_run_is_green_and_says_its_publication(driven):
    def step(name):
        driven.play.run(name)
        driven.records.publish()
        driven.play.end(name)

    found = driven.run(step)
    assert (found["run_key"], found["publication"]) == (RUN.key, 1)


def test_a_published_run_sums_up_its_datasets(driven):
    def step(name):
        driven.play.run(name)
        driven.records.publish(results=[RULE | {"outcome": "warned"}, RULE | {"outcome": "passed"}])
        driven.play.end(name)

    datasets = driven.run(step)["datasets"]
    assert datasets == {
        "fct_order_line": {"verdict": "passed", "rows": 1, "rules": 2, "warned": 1, "quarantined": 0},
    }
    assert list(lines(RUN.key, 1, datasets)) == [
        "revenue@2026-01-02#0 is published as 1",
        "  fct_order_line: passed, 1 rows, 2 rules, 1 warned",
        "look:  calve audit show 'revenue@2026-01-02#0'",
    ]


def test_the_link_leads_to_sparks_own_pages_of_the_application(driven, monkeypatch):
    monkeypatch.setenv("CALVE_KUBERNETES_HISTORY_URL", "https://spark.example.org/")
    operator, found = driven.operator(), []

    def step(name):
        driven.play.run(name)
        found.append(driven.play.application(name)["status"]["sparkApplicationId"])
        driven.play.end(name, 1)

    with pytest.raises(AirflowException):
        driven.run(step, operator=operator)
    assert found[0].startswith("spark-")
    # Where Spark's history server 3.5 has them.
    assert SparkLink().get_link(operator, ti_key=None) == f"https://spark.example.org/history/{found[0]}/"


def test_without_a_driver_the_link_leads_to_the_list_of_all(driven, monkeypatch):
    monkeypatch.setenv("CALVE_KUBERNETES_HISTORY_URL", "https://spark.example.org")
    operator = driven.operator(start_seconds=0.01)
    with pytest.raises(AirflowException):
        driven.run(operator=operator)
    assert SparkLink().get_link(operator, ti_key=None) == "https://spark.example.org/"


def test_a_completed_application_without_a_publication_is_red(driven):
    with pytest.raises(AirflowException, match=r"revenue@2026-01-02#0"):
        driven.run(ends(driven, 0))


def test_an_operator_that_lost_the_driver_is_not_believed_when_the_run_is_published(driven):
    # kubeflow/spark-operator#2755: FAILED, "driver pod not found", though the job was fine.
    def step(name):
        driven.play.run(name)
        driven.records.publish()
        driven.play.lose_driver(name)

    assert driven.run(step)["publication"] == 1


def test_a_lost_driver_without_a_publication_is_tried_again(driven):
    def step(name):
        driven.play.run(name)
        driven.play.lose_driver(name)

    with pytest.raises(AirflowException) as failed:
        driven.run(step)
    assert not isinstance(failed.value, AirflowFailException)


@pytest.mark.parametrize(("code", "is_final"), [(65, True), (75, False), (137, True), (1, False)])
def test_the_exit_code_says_whether_a_retry_helps(driven, code, is_final):
    with pytest.raises(AirflowException) as failed:
        driven.run(ends(driven, code, "OOMKilled" if code == 137 else ""))
    assert isinstance(failed.value, AirflowFailException) == is_final


def test_a_blocked_run_is_red_for_good_and_names_the_rule(driven):
    def step(name):
        driven.play.run(name)
        driven.records.verdict("blocked", [RULE])
        driven.play.end(name, 65)

    with pytest.raises(AirflowFailException) as failed:
        driven.run(step)
    assert "complete(facility_id)" in str(failed.value)
    assert "calve audit show 'revenue@2026-01-02#0'" in str(failed.value)


def test_a_quota_that_lets_in_no_driver_is_named_and_tried_again(driven):
    driven.play.forbid_pods("no-pods")

    def step(name):
        with pytest.raises(RefusedError) as refused:
            driven.play.submit(name)
        driven.play.refuse(name, str(refused.value))

    with pytest.raises(AirflowException, match="exceeded quota: no-pods") as failed:
        driven.run(step)
    assert not isinstance(failed.value, AirflowFailException)
    assert driven.play.pods() == []


def test_a_command_that_a_quota_keeps_out_is_tried_again(driven):
    driven.play.forbid_pods("no-pods")
    with pytest.raises(AirflowException, match="no room in the namespace's quota") as failed:
        driven.deferred(driven.command("expose"), context_of(made={"run_key": RUN.key}))
    assert not isinstance(failed.value, AirflowFailException)


def test_what_can_not_be_removed_hides_no_cause(driven):
    driven.cluster.fault(method="DELETE", status=403, times=9)
    with pytest.raises(AirflowException, match="it took longer than 0 min to start"):
        driven.run(operator=driven.operator(start_seconds=0.01))


def test_a_command_is_green_by_its_exit_code(driven):
    def step(name):
        driven.play.set_pod(name, "Succeeded")

    assert driven.run(step, operator=driven.command("expose"), made={"run_key": RUN.key}) is None


def test_a_command_that_fails_is_red(driven):
    from calve.standin.kubernetes.play import terminated

    def step(name):
        driven.play.set_pod(name, "Failed", terminated(75))

    with pytest.raises(AirflowException):
        driven.run(step, operator=driven.command("expose"), made={"run_key": RUN.key})
