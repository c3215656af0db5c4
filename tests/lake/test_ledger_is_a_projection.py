"""The ledger says what is covered by which publication, and equals what the records alone give."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from psycopg.types.json import Jsonb

from calve.lake.ledger import add as add_to_ledger
from calve.lake.ledger import coverage_end, ledger, next_interval, rebuild, verified_through
from calve.lake.metrics import ControlDifference, insert_differences
from calve.lake.published import find_publication
from calve.lake.records import transaction
from calve.runs import Interval, Run

START = date(2026, 1, 1)


@pytest.fixture
def publish(conn):
    """Record a publication of the datasets of `revenue` and add it to the ledger."""
    numbers = iter(range(1, 99))

    def record(
        interval: str, *, scope: str = "all", datasets: str = "a b", kind: str = "run", parent: int | None = None
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
                "staged": True,
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


def test_verified_through_ends_at_a_gap(conn, publish):
    assert verified_through(conn, "a", START) is None
    publish("2026-01-02")
    assert verified_through(conn, "a", START) is None
    publish("2026-01-01")
    publish("2026-01-04")
    assert verified_through(conn, "a", START) == date(2026, 1, 2)


def test_verified_through_is_held_back_by_an_open_difference_until_it_is_resolved(conn, publish):
    def compare(key: str, *, agrees: bool) -> None:
        found = ControlDifference(date(2026, 1, 2), "7", 3, 2, Decimal(1), Decimal(2), True, agrees)
        with transaction(conn) as cursor:
            insert_differences(cursor, key, "a", [found])

    compare(publish("2026-01-01/2026-01-05"), agrees=False)
    assert verified_through(conn, "a", START) == date(2026, 1, 1)
    assert verified_through(conn, "b", START) == date(2026, 1, 4)
    compare(publish("2026-01-02"), agrees=True)
    assert verified_through(conn, "a", START) == date(2026, 1, 4)
