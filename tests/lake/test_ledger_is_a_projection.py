"""The ledger says what is covered by which publication, and equals what the records alone give."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from psycopg.types.json import Jsonb
from small_lake import Lake, day

from calve.cli.look import status
from calve.contract.loader import load_project
from calve.lake.ledger import add as add_to_ledger
from calve.lake.ledger import coverage_end, is_covered, ledger, next_interval, rebuild, verified_through
from calve.lake.metrics import ControlDifference, compared_dates, insert_differences, insert_metrics
from calve.lake.published import find_publication
from calve.lake.records import transaction
from calve.lake.rollback import rollback
from calve.runs import Interval, Run

START = date(2026, 1, 1)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def publish(conn):
    """Record a publication of the datasets of `revenue` and add it to the ledger; `carried` ones were not staged."""
    numbers = iter(range(1, 99))

    def record(
        interval: str,
        *,
        scope: str = "all",
        datasets: str = "a b",
        carried: str = "",
        kind: str = "run",
        parent: int | None = None,
    ):
        number = next(numbers)
        run = Run("revenue", Interval.parse(interval), scope)
        tables = [
            {
                "dataset": name,
                "namespace": "curated",
                "uuid": "u",
                "snapshot_id": number,
                "metadata_location": "m",
                "copy_path": "c",
                "row_count": 1,
                "staged": name not in carried.split(),
            }
            for name in datasets.split()
        ]
        key = f"{run.key}/{number}"
        since, until = run.interval.since, run.interval.until
        with transaction(conn) as cursor:
            cursor.execute(
                "insert into calve.publication values (%s, %s, %s, %s, %s, %s, 0, %s, %s, 1, 'd', %s, now())",
                (number, key, "revenue", since, until, scope, kind, parent or number - 1 or None, Jsonb(tables)),
            )
            add_to_ledger(cursor, find_publication(conn, key))
        return key

    return record


@pytest.fixture
def compare(conn):
    """Record that a run compared dates of a dataset with sealed totals, and whether they agree."""

    def record(key: str, *days: date, dataset: str = "a", agrees: bool = True) -> None:
        found = [ControlDifference(each, "7", 3, 2, Decimal(1), Decimal(2), True, agrees) for each in days]
        with transaction(conn) as cursor:
            insert_differences(cursor, key, dataset, found)
            insert_metrics(cursor, key, dataset, compared_dates(found))

    return record


@pytest.fixture
def shown(conn, environment):
    """Return a function that tells what `calve status` says of the pipeline `revenue`."""

    def ask() -> dict:
        result = CliRunner().invoke(status, ["--json"], catch_exceptions=False)
        return next(row for row in json.loads(result.stdout)["pipelines"] if row["pipeline"] == "revenue")

    return ask


def covered(conn, dataset: str = "a") -> list[tuple[str, str, int]]:
    found = [each for each in ledger(conn) if each.dataset == dataset]
    return [(f"{each.since:%d}", f"{each.until:%d}", each.publication) for each in found]


def test_the_newest_publication_wins_per_sub_interval(conn, publish):
    publish("2026-01-01/2026-01-10")
    publish("2026-01-03/2026-01-05")
    publish("2026-01-09/2026-01-11")
    assert covered(conn) == [("01", "03", 1), ("03", "05", 2), ("05", "09", 1), ("09", "11", 3)]


def test_a_scoped_run_does_not_change_coverage(conn, publish):
    publish("2026-01-01")
    publish("2026-01-01/2026-01-04", scope="facility_id=7")
    assert covered(conn) == [("01", "02", 1)]


def test_a_rollback_gives_up_what_it_withdrew(conn, publish):
    publish("2026-01-01")
    publish("2026-01-02")
    publish("2026-01-01", kind="rollback", parent=1)
    assert covered(conn) == [("01", "02", 1)]
    publish("2026-01-02", kind="rollback", parent=2)
    assert covered(conn) == [("01", "02", 1), ("02", "03", 2)]


def test_rebuilding_equals_what_is_stored(conn, publish):
    publish("2026-01-01/2026-01-10")
    publish("2026-01-03", datasets="a")
    publish("2026-01-04/2026-01-12", kind="run")
    publish("2026-01-03", kind="rollback", parent=2)
    publish("2026-01-02/2026-01-04")
    stored = ledger(conn)
    assert not rebuild(conn)
    assert ledger(conn) == stored


def test_rebuilding_mends_a_ledger_that_lost_rows(conn, publish):
    publish("2026-01-01")
    publish("2026-01-02")
    stored = ledger(conn)
    conn.execute("delete from calve.ledger where publication = 2")
    conn.execute("update calve.ledger set publication = 2 where dataset = 'b'")
    difference = rebuild(conn)
    assert [(each.dataset, each.publication) for each in difference.missing] == [("a", 2), ("b", 1), ("b", 2)]
    assert [(each.dataset, each.publication) for each in difference.surplus] == [("b", 2)]
    assert ledger(conn) == stored


def test_days_published_out_of_order_leave_a_gap_that_comes_next(conn, publish):
    now = datetime(2026, 1, 6, 13, tzinfo=UTC)
    assert next_interval(conn, "revenue", START, now) == Interval.parse("2026-01-01/2026-01-06")
    publish("2026-01-01/2026-01-03")
    publish("2026-01-04")
    assert coverage_end(conn, "revenue") == datetime(2026, 1, 3, tzinfo=UTC)
    assert next_interval(conn, "revenue", START, now) == Interval.parse("2026-01-03")
    publish("2026-01-03")
    assert coverage_end(conn, "revenue", START) == datetime(2026, 1, 5, tzinfo=UTC)
    assert next_interval(conn, "revenue", START, now) == Interval.parse("2026-01-05")
    publish("2026-01-05")
    assert next_interval(conn, "revenue", START, now) is None


def test_a_dataset_that_a_publication_only_carries_along_is_not_covered(lake: Lake):
    lake.run(day(1))
    older_image = replace(lake, datasets=("a",))
    older_image.run(day(2))
    assert covered(lake.conn, "a") == [("01", "02", 1), ("02", "03", 2)]
    assert covered(lake.conn, "b") == [("01", "02", 1)]
    assert not is_covered(lake.conn, "revenue", day(2).interval)
    assert not rebuild(lake.conn)


def test_carrying_a_dataset_along_takes_no_coverage_from_it(conn, publish):
    publish("2026-01-01/2026-01-05")
    publish("2026-01-03/2026-01-07", carried="b")
    assert covered(conn, "a") == [("01", "03", 1), ("03", "07", 2)]
    assert covered(conn, "b") == [("01", "05", 1)]
    assert not rebuild(conn)


def test_a_dataset_that_was_computed_whole_covers_all_that_its_pipeline_does(conn, publish):
    publish("2026-01-01/2026-01-05", datasets="a")
    publish("2026-01-05", datasets="a b")
    publish("2026-01-06", carried="b")
    publish("2026-01-07")
    assert covered(conn, "b") == [("01", "08", 4)]
    assert not rebuild(conn)


def test_rebuilding_takes_back_what_was_only_carried_along(conn, publish):
    publish("2026-01-01")
    publish("2026-01-02", carried="b")
    stored = ledger(conn)
    conn.execute(
        "insert into calve.ledger select 'b', pipeline, since, until, 2 from calve.ledger where publication = 2"
    )
    assert [(each.dataset, each.publication) for each in rebuild(conn).surplus] == [("b", 2)]
    assert ledger(conn) == stored


def test_a_rollback_to_a_publication_that_carried_a_dataset_along_does_not_cover_it(lake: Lake):
    lake.run(day(1))
    replace(lake, datasets=("a",)).run(day(2))
    rollback(lake.settings, lake.conn, 1)
    rollback(lake.settings, lake.conn, 2)
    assert covered(lake.conn, "a") == [("01", "02", 1), ("02", "03", 2)]
    assert covered(lake.conn, "b") == [("01", "02", 1)]
    assert not rebuild(lake.conn)


def test_verified_through_ends_at_a_gap(conn, publish):
    assert verified_through(conn, "a", START, compared=False) is None
    publish("2026-01-02")
    assert verified_through(conn, "a", START, compared=False) is None
    publish("2026-01-01")
    publish("2026-01-04")
    assert verified_through(conn, "a", START, compared=False) == date(2026, 1, 1)


def test_a_date_is_verified_once_it_is_over_everywhere_and_the_day_of_its_seal_is_covered(conn, publish):
    publish("2026-01-01")
    assert verified_through(conn, "a", START, compared=False) is None
    publish("2026-01-02")
    assert verified_through(conn, "a", START, compared=False) == date(2026, 1, 1)
    publish("2026-01-03/2026-01-09")
    assert verified_through(conn, "a", START, compared=False) == date(2026, 1, 7)


def test_verified_through_is_held_back_by_an_open_difference_until_it_is_resolved(conn, publish, compare):
    days = [date(2026, 1, 1), date(2026, 1, 3)]
    key = publish("2026-01-01/2026-01-05")
    compare(key, *days, dataset="b")
    compare(key, date(2026, 1, 2), date(2026, 1, 3), agrees=False)
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 1)
    assert verified_through(conn, "b", START, compared=True) == date(2026, 1, 3)
    compare(publish("2026-01-02"), date(2026, 1, 2))
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 2)
    compare(publish("2026-01-03"), date(2026, 1, 3))
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 3)


def test_verified_through_stands_still_when_the_source_stops_sealing(conn, publish, compare):
    compare(publish("2026-01-01/2026-01-05"), date(2026, 1, 2), date(2026, 1, 3))
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 3)
    publish("2026-01-05/2026-01-10")
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 3)
    assert verified_through(conn, "b", START, compared=False) == date(2026, 1, 8)


def test_a_total_that_is_sealed_early_verifies_nothing_that_is_not_covered(conn, publish, compare):
    compare(publish("2026-01-01/2026-01-05"), date(2026, 1, 4))
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 3)


def test_a_dataset_that_was_never_compared_with_its_totals_has_no_verified_date(conn, publish):
    publish("2026-01-01/2026-01-05")
    assert verified_through(conn, "a", START, compared=True) is None


def test_a_comparison_counts_only_while_its_publication_stands(conn, publish, compare):
    compare(publish("2026-01-01/2026-01-05"), date(2026, 1, 1))
    compare("revenue@2026-01-05#0", date(2026, 1, 3))
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 1)
    compare(publish("2026-01-02"), date(2026, 1, 2))
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 2)
    publish("2026-01-01/2026-01-05", kind="rollback", parent=1)
    assert verified_through(conn, "a", START, compared=True) == date(2026, 1, 1)


def test_a_pipeline_is_verified_no_further_than_its_last_dataset(shown, publish, compare):
    datasets = [contract.dataset for contract in load_project(ROOT).contracts_of("revenue")]
    first = publish("2025-01-01/2025-01-06", datasets=" ".join(datasets))
    compare(first, date(2025, 1, 3), dataset="fct_order_line")
    assert shown()["verified_through"] is None
    compare(first, date(2025, 1, 2), dataset="fct_payment")
    assert shown()["verified_through"] == "2025-01-02"
    compare(publish("2025-01-06", datasets="fct_payment"), date(2025, 1, 5), dataset="fct_payment")
    assert shown()["verified_through"] == "2025-01-03"
