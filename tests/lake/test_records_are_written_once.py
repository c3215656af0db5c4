"""Verdicts, landings and attempts: the first word stands, and history is that of published runs."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr

from calve.errors import BlockedError, IntervalError, LakeUnavailableError, LeaseLostError, SettingsError
from calve.lake.attempts import Generation, Way, end_attempt, find_run, must_be_its_way, next_generation, start_attempt
from calve.lake.landings import Landing, accepted_landings, landings_of, record_landings, watermark
from calve.lake.lease import Holder
from calve.lake.metrics import COMPARED, compared_dates, newest_compared
from calve.lake.records import connect, migrate
from calve.lake.schema import MIGRATIONS
from calve.lake.verdicts import (
    ControlDifference,
    DatasetVerdict,
    MetricRow,
    RuleResult,
    metric_history,
    open_differences,
    record_verdicts,
    verdicts_of,
    void_verdicts,
)
from calve.runs import ALL, Interval, Run

HERE = Holder.here()
DAY = Interval.parse("2026-01-02")
RUN = Run("revenue", DAY)
RESULT = RuleResult("unique(order_id)", "block", "blocked", 10, 2, 0, "order_id", "2 of 10", ("(1)", "(2)"))


def verdict(dataset: str = "fct_a", word: str = "passed", attempt: int = 1) -> DatasetVerdict:
    return DatasetVerdict(RUN.key, dataset, attempt, word, "u", 1, 2, "q", 3, 4, 10, (RESULT,), {"s": {"inserted": 2}})


def landing(run: Run = RUN, landing_id: str = "l1", hour: int = 1) -> Landing:
    cut = datetime(2026, 1, 3, hour, tzinfo=UTC)
    return Landing(run.key, "sales_order", landing_id, 5, cut, None, cut, cut - timedelta(minutes=5), 7, {"rows": 7}, 1)


def publish(conn, run: Run, number: int, parent: int | None = None, kind: str = "run") -> None:
    conn.execute(
        "insert into calve.publication values (%s, %s, %s, %s, %s, %s, %s, %s, %s, 1, 'd', '[]', now())",
        (
            number,
            run.key if kind == "run" else f"rollback {number}",
            run.pipeline,
            run.interval.since,
            run.interval.until,
            run.scope,
            run.generation,
            kind,
            parent,
        ),
    )


def test_migrating_twice_changes_nothing(conn):
    assert migrate(conn) == migrate(conn) == len(MIGRATIONS)


def test_the_first_verdict_of_a_run_stands(conn, lease):
    first = record_verdicts(conn, RUN.key, [verdict("fct_a"), verdict("fct_b")], epoch=lease.epoch)
    again = record_verdicts(conn, RUN.key, [verdict("fct_a", "blocked", 2)], epoch=lease.epoch)
    assert first == again == verdicts_of(conn, RUN.key)
    assert [(item.dataset, item.word, item.results) for item in again] == [
        ("fct_a", "passed", (RESULT,)),
        ("fct_b", "passed", (RESULT,)),
    ]


def test_a_run_without_the_lease_records_no_verdict(conn, lease):
    with pytest.raises(LeaseLostError):
        record_verdicts(conn, RUN.key, [verdict()], epoch=lease.epoch - 1)
    assert verdicts_of(conn, RUN.key) == ()


def test_a_passed_verdict_can_be_voided_for_a_new_attempt_but_a_blocked_one_is_final(conn, lease):
    record_verdicts(conn, RUN.key, [verdict()], epoch=lease.epoch)
    assert void_verdicts(conn, RUN.key, "main moved", epoch=lease.epoch) == 1
    record_verdicts(conn, RUN.key, [verdict("fct_a", "blocked", 2)], epoch=lease.epoch)
    with pytest.raises(BlockedError):
        void_verdicts(conn, RUN.key, "main moved", epoch=lease.epoch)


def test_the_verdict_of_a_published_run_is_not_voided(conn, lease):
    record_verdicts(conn, RUN.key, [verdict()], epoch=lease.epoch)
    publish(conn, RUN, 1)
    assert void_verdicts(conn, RUN.key, "main moved", epoch=lease.epoch) == 0


def test_the_generation_grows_only_after_a_verdict_that_blocked(conn, lease):
    assert next_generation(conn, "revenue", DAY, ALL).number == 0
    start_attempt(conn, RUN, lease.epoch, "d", HERE)
    assert next_generation(conn, "revenue", DAY, ALL).number == 0
    record_verdicts(conn, RUN.key, [verdict("fct_a"), verdict("fct_b", "blocked")], epoch=lease.epoch)
    assert next_generation(conn, "revenue", DAY, ALL).number == 1
    start_attempt(conn, replace(RUN, generation=1), lease.epoch, "d", HERE)
    assert next_generation(conn, "revenue", DAY, ALL).number == 1


def test_a_published_run_keeps_its_generation_unless_it_is_reprocessed_or_withdrawn(conn, lease):
    second = replace(RUN, interval=Interval.parse("2026-01-03"))
    for number, run in enumerate((RUN, second), start=1):
        start_attempt(conn, run, lease.epoch, "d", HERE)
        publish(conn, run, number, number - 1 or None)
    assert next_generation(conn, "revenue", second.interval, ALL).number == 0
    assert next_generation(conn, "revenue", second.interval, ALL, Way("reprocess")).number == 1
    publish(conn, second, 3, parent=1, kind="rollback")
    assert next_generation(conn, "revenue", second.interval, ALL).number == 1
    assert next_generation(conn, "revenue", DAY, ALL).number == 0


@pytest.mark.parametrize(
    "begun", [Way("reload"), Way("reprocess", ("fct_a", "fct_b"))], ids=["the sources whole", "chosen datasets"]
)
def test_a_generation_that_died_is_taken_up_in_the_way_it_was_begun(begun, conn, lease):
    start_attempt(conn, RUN, lease.epoch, "d", HERE, way=begun)
    assert next_generation(conn, "revenue", DAY, ALL) == Generation(0, begun)
    assert next_generation(conn, "revenue", DAY, ALL, begun) == Generation(0, begun)
    for other in (Way("reprocess"), Way("reprocess", ("fct_a",))):
        assert next_generation(conn, "revenue", DAY, ALL, other) == Generation(1, other)


def test_a_run_is_made_in_the_way_that_it_was_begun_or_not_at_all(conn, lease):
    must_be_its_way(conn, RUN.key, Way("reprocess"))
    start_attempt(conn, RUN, lease.epoch, "d", HERE, way=Way("reprocess", ("fct_a",)))
    must_be_its_way(conn, RUN.key, Way("reprocess", ("fct_a",)))
    with pytest.raises(IntervalError, match="begun by reprocess:fct_a, asked for by reprocess:fct_b; ask again"):
        must_be_its_way(conn, RUN.key, Way("reprocess", ("fct_b",)))


def test_chosen_datasets_that_an_image_without_them_took_up_are_all_datasets_since(conn, lease):
    start_attempt(conn, RUN, lease.epoch, "d", HERE, way=Way("reprocess", ("fct_a",)))
    columns = "run_key, pipeline, since, until, scope, generation, mode, branch, epoch, digest, holder"
    conn.execute(f"insert into calve.attempt ({columns}, attempt) select {columns}, 2 from calve.attempt")
    assert next_generation(conn, "revenue", DAY, ALL) == Generation(0, Way("reprocess"))


def test_landings_of_two_cuts_are_never_mixed(conn):
    first, second = landing(), replace(landing(landing_id="l2"), source="payment")
    record_landings(conn, [first])
    assert record_landings(conn, [replace(first, landing_id="l2"), second]) == {"sales_order": first}


def test_a_new_attempt_ends_the_one_before_it(conn, lease):
    assert [start_attempt(conn, RUN, lease.epoch, "d", HERE) for _ in range(2)] == [1, 2]
    end_attempt(conn, RUN.key, 2, "failed", "disk full")
    end_attempt(conn, RUN.key, 2, "published")
    state = find_run(conn, RUN.key)
    assert [(item.attempt, item.outcome) for item in state.attempts] == [(1, "replaced"), (2, "failed")]
    assert (state.word, state.publication) == (None, None)


def test_the_first_landing_of_a_run_wins(conn):
    assert record_landings(conn, [landing()])["sales_order"] == landing()
    assert record_landings(conn, [landing(landing_id="l2")])["sales_order"] == landing()
    assert landings_of(conn, RUN.key)["sales_order"] == landing()


def test_landings_count_once_their_run_is_published(conn):
    record_landings(conn, [landing()])
    assert (accepted_landings(conn, "sales_order"), watermark(conn, "sales_order")) == ([], None)
    publish(conn, RUN, 1)
    assert accepted_landings(conn, "sales_order") == ["l1"]
    assert watermark(conn, "sales_order") == landing().next_lower


def test_a_rollback_withdraws_landings_and_rolling_forward_brings_them_back(conn):
    second = replace(RUN, interval=Interval.parse("2026-01-03"))
    record_landings(conn, [landing()])
    record_landings(conn, [landing(second, "l2", 2)])
    publish(conn, RUN, 1)
    publish(conn, second, 2, 1)
    assert watermark(conn, "sales_order") == landing(second, hour=2).next_lower
    publish(conn, RUN, 3, 1, "rollback")
    assert accepted_landings(conn, "sales_order") == ["l1"]
    assert watermark(conn, "sales_order") == landing().next_lower
    publish(conn, second, 4, 2, "rollback")
    assert watermark(conn, "sales_order") == landing(second, hour=2).next_lower


def test_metric_history_is_that_of_published_runs_newest_per_date(conn, lease):
    first, second = date(2026, 1, 1), date(2026, 1, 2)
    later = replace(RUN, interval=Interval.parse("2026-01-03"))
    for run, rows in (
        (RUN, [MetricRow("volume", first, "", 10.0, 10), MetricRow("volume", second, "", 20.0, 20)]),
        (replace(RUN, generation=1), [MetricRow("volume", first, "", 99.0, 99)]),
        (later, [MetricRow("volume", second, "", 21.0, 21)]),
    ):
        record_verdicts(conn, run.key, [verdict()], epoch=lease.epoch, metrics={"fct_a": rows})
    publish(conn, RUN, 1)
    publish(conn, later, 2, 1)
    history = metric_history(conn, "fct_a", "volume", first, date(2026, 1, 9))
    assert [(row.day, row.value) for row in history] == [(first, 10.0), (second, 21.0)]
    assert metric_history(conn, "fct_a", "volume", first, first) == []


def test_a_control_difference_is_open_until_a_published_run_compares_the_date_again(conn, lease):
    found = ControlDifference(date(2026, 1, 2), "7", 3, 2, Decimal("9.99"), Decimal("5.00"), True)
    agreed = replace(found, found_rows=3, found_sum=Decimal("9.99"), agrees=True)
    later = replace(RUN, interval=Interval.parse("2026-01-03"))
    for run, compared in ((RUN, found), (later, agreed)):
        record_verdicts(conn, run.key, [verdict()], epoch=lease.epoch, differences={"fct_a": [compared]})
    assert open_differences(conn, "fct_a") == []
    publish(conn, RUN, 1)
    assert open_differences(conn, "fct_a") == [found]
    publish(conn, later, 2, 1)
    assert open_differences(conn, "fct_a") == []


def test_a_compared_date_is_recorded_with_how_many_of_its_parts_agree():
    here = ControlDifference(date(2026, 1, 2), "7", 3, 3, Decimal("9.99"), Decimal("9.99"), True, True)
    there = replace(here, part="8", found_rows=2, agrees=False)
    assert compared_dates([there, replace(here, day=date(2026, 1, 1)), here]) == [
        MetricRow(COMPARED, date(2026, 1, 1), "", 1.0, 1),
        MetricRow(COMPARED, date(2026, 1, 2), "", 2.0, 1),
    ]
    assert compared_dates([]) == []


def test_the_newest_compared_date_is_that_of_published_runs(conn, lease):
    rows = [MetricRow(COMPARED, date(2026, 1, day), "", 2.0, 1) for day in (3, 1, 2)]
    other = MetricRow("volume", date(2026, 1, 9), "", 2.0, 2)
    record_verdicts(conn, RUN.key, [verdict()], epoch=lease.epoch, metrics={"fct_a": [*rows, other]})
    assert newest_compared(conn, "fct_a") is None
    publish(conn, RUN, 1)
    assert newest_compared(conn, "fct_a") == date(2026, 1, 3)
    assert newest_compared(conn, "fct_b") is None


def test_a_database_that_does_not_answer_is_named_without_its_password(settings):
    url = SecretStr("postgresql://calve:hunter2@127.0.0.1:1/calve")
    with pytest.raises(LakeUnavailableError, match=r"127\.0\.0\.1:1/calve") as refused:
        connect(settings.model_copy(update={"catalog_url": url}))
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"
    with pytest.raises(SettingsError) as malformed:
        connect(settings.model_copy(update={"catalog_url": SecretStr("calve:hunter2@nowhere/x?a=b")}))
    assert "hunter2" not in str(malformed.value)
