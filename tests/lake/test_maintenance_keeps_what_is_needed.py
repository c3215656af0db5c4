"""I4, I5: every file of every ref and served copy exists; litter is bounded and never a referenced file."""

from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from small_lake import Lake, day, rows

from calve.errors import LakeUnavailableError
from calve.lake.attempts import end_attempt, start_attempt
from calve.lake.catalog import table_state
from calve.lake.exposures import begin_exposure, end_exposure, served_exposures, swap_exposures
from calve.lake.lease import Holder
from calve.lake.maintenance import maintain, references
from calve.lake.objects import open_store
from calve.lake.pointers import read_metadata
from calve.lake.publication import history, numbered, publish
from calve.lake.retention import kept_numbers
from calve.lake.verdicts import DatasetVerdict, record_verdicts

AT_ONCE = {"publications": timedelta(0), "files": timedelta(0)}


def objects(lake: Lake, below: str = "") -> set[str]:
    return {found.location for found in open_store(lake.settings).list(f"{lake.settings.warehouse}/{below}")}


def served_rows(lake: Lake, number: int, name: str) -> list[str]:
    """Read a table as Snowflake would: from the published copy alone, every file through its metadata."""
    store = open_store(lake.settings)
    table = numbered(lake.conn, number).table(name)
    metadata = read_metadata(store, name, f"{lake.settings.warehouse}/{table.copy_path}").metadata
    io = lake.table(name).io
    found: list[str] = []
    for manifest in metadata.current_snapshot().manifests(io):
        for entry in manifest.fetch_manifest_entry(io):
            with io.new_input(entry.data_file.file_path).open() as stream:
                found += pq.read_table(stream)["run"].to_pylist()
    return sorted(found)


def age(lake: Lake, number: int, days: int) -> None:
    at = datetime.now(UTC) - timedelta(days=days)
    lake.conn.execute("update calve.publication set published_at = %s where number = %s", (at, number))


def test_files_that_nothing_refers_to_are_deleted_and_all_others_stay(lake: Lake):
    lake.run(day(1))
    litter = f"{lake.settings.warehouse}/curated/a/data/left-by-a-dead-run.parquet"
    open_store(lake.settings).write(litter, b"x")
    open_store(lake.settings).write(f"{lake.settings.warehouse}/_published/curated.a/00009-x.metadata.json", b"x")
    done = maintain(lake.settings, lake.conn, **AT_ONCE)
    assert litter not in objects(lake)
    assert done.copies == 1
    for name in ("curated.a", "curated.b", "quarantine.a"):
        assert set(references(lake.catalog, name)) <= objects(lake)
    assert lake.runs_in("curated.a") == [day(1).key]
    assert maintain(lake.settings, lake.conn, **AT_ONCE).files == 0


def test_young_files_stay(lake: Lake):
    lake.run(day(1))
    open_store(lake.settings).write(f"{lake.settings.warehouse}/curated/a/data/young.parquet", b"x")
    assert maintain(lake.settings, lake.conn, publications=timedelta(0)).files == 0


def test_two_hundred_commits_and_orphan_removal_leave_the_served_copy_whole(lake: Lake):
    lake.run(day(1))
    end_exposure(lake.conn, begin_exposure(lake.conn, [1]).epoch)
    lake.table("curated.a").manage_snapshots().create_branch(
        table_state(lake.catalog, "curated.a").main_snapshot_id, "busy"
    ).commit()
    table = lake.table("curated.a")
    for number in range(200):
        with table.transaction() as change:
            change.set_properties({"n": str(number)})
    lake.table("curated.a").append(rows("busy"), branch="busy")
    lake.run(day(2))
    age(lake, 1, 400)
    before = len(objects(lake, "curated/a/metadata/"))
    maintain(lake.settings, lake.conn, **AT_ONCE)
    assert len(objects(lake, "curated/a/metadata/")) < before - 90
    assert served_rows(lake, 1, "curated.a") == [day(1).key]
    assert served_rows(lake, 2, "curated.a") == [day(1).key, day(2).key]


def test_what_neither_schema_serves_any_more_goes_with_its_tag(lake: Lake):
    for number in (1, 2, 3):
        lake.run(day(number))
        end_exposure(lake.conn, begin_exposure(lake.conn, [number]).epoch)
    lake.conn.execute("update calve.publication set published_at = make_date(2020, 5, number::int)")
    assert [each.numbers for each in served_exposures(lake.conn)] == [(2,), (3,)]
    maintain(lake.settings, lake.conn, **AT_ONCE)
    assert table_state(lake.catalog, "curated.a").refs.keys() == {"main", "pub_2", "pub_3"}
    assert served_rows(lake, 2, "curated.a") == [day(1).key, day(2).key]
    gone = numbered(lake.conn, 1).table("curated.a").copy_path
    assert f"{lake.settings.warehouse}/{gone}" not in objects(lake)


def test_an_exposure_that_was_begun_protects_before_it_serves(lake: Lake):
    end_exposure(lake.conn, begin_exposure(lake.conn, [1]).epoch)
    end_exposure(lake.conn, begin_exposure(lake.conn, [2]).epoch)
    begin_exposure(lake.conn, [3])
    crashed = {number for each in served_exposures(lake.conn) for number in each.numbers}
    end_exposure(lake.conn, begin_exposure(lake.conn, [4]).epoch)
    assert crashed == {1, 2, 3}
    assert [(each.numbers, each.state) for each in served_exposures(lake.conn)] == [((2,), "idle"), ((4,), "live")]
    swap_exposures(lake.conn)
    assert [(each.numbers, each.state) for each in served_exposures(lake.conn)] == [((2,), "live"), ((4,), "idle")]


def test_publications_of_35_days_and_the_last_of_each_month_are_kept(lake: Lake):
    for number in range(1, 6):
        lake.run(day(number))
    for number, at in enumerate(("2026-01-03", "2026-01-30", "2026-02-01", "2026-02-20", "2026-03-30"), start=1):
        lake.conn.execute("update calve.publication set published_at = %s where number = %s", (at, number))
    assert kept_numbers(history(lake.conn), datetime(2026, 2, 15, tzinfo=UTC)) == {2, 4, 5}
    assert kept_numbers(history(lake.conn), datetime(2026, 4, 15, tzinfo=UTC)) == {2, 4, 5}
    assert kept_numbers(history(lake.conn), datetime(2026, 2, 1, tzinfo=UTC)) == {2, 3, 4, 5}


def test_expiry_during_staging_takes_nothing_from_it(lake: Lake):
    lake.run(day(1))
    lease = lake.lease(day(2))
    attempt = start_attempt(lake.conn, day(2), lease.epoch, "digest", Holder.here())
    half = lake.branch("curated.a", day(2), attempt)
    in_flight = f"{lake.settings.warehouse}/curated/b/data/in-flight.parquet"
    open_store(lake.settings).write(in_flight, b"x")
    done = maintain(lake.settings, lake.conn, **AT_ONCE)
    assert (done.branches, done.snapshots, done.files) == (0, 0, 0)
    assert in_flight in objects(lake)
    verdicts = [
        DatasetVerdict(day(2).key, name, attempt, "passed", *staged, None, None, None, 1)
        for name, staged in {"a": half, "b": lake.branch("curated.b", day(2), attempt)}.items()
    ]
    record_verdicts(lake.conn, day(2).key, verdicts, epoch=lease.epoch)
    end_attempt(lake.conn, day(2).key, attempt, "passed")
    maintain(lake.settings, lake.conn, **AT_ONCE)
    publish(lake.settings, lake.conn, day(2), lease.epoch)
    assert lake.runs_in("curated.a") == lake.runs_in("curated.b") == [day(1).key, day(2).key]


def test_a_passed_run_that_nobody_published_yet_keeps_its_branch(lake: Lake):
    lease = lake.lease(day(1))
    lake.stage(day(1), lease)
    lake.give_back(lease)
    maintain(lake.settings, lake.conn, **AT_ONCE)
    lease = lake.lease(day(1))
    publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert lake.runs_in("curated.a") == [day(1).key]


def test_the_branch_of_a_dead_attempt_goes_and_a_blocked_one_stays_until_the_next_publication(lake: Lake):
    lease = lake.lease(day(1))
    attempt = start_attempt(lake.conn, day(1), lease.epoch, "digest", Holder.here())
    lake.branch("curated.a", day(1), attempt)
    lake.give_back(lease)
    lease = lake.lease(day(2))
    blocked = day(2).branch(lake.stage(day(2), lease, words={"b": "blocked"}))
    lake.give_back(lease)
    assert maintain(lake.settings, lake.conn, **AT_ONCE).branches == 1
    assert table_state(lake.catalog, "curated.a").refs.keys() == {"main", blocked}
    lake.run(day(3))
    maintain(lake.settings, lake.conn, **AT_ONCE)
    assert table_state(lake.catalog, "curated.a").refs.keys() == {"main", "pub_1"}


def test_snapshots_outside_all_refs_are_expired_with_their_files(lake: Lake):
    lease = lake.lease(day(1))
    lake.stage(day(1), lease, words={"b": "blocked"})
    lake.give_back(lease)
    lake.run(day(2))
    staged = lake.table("curated.a").metadata.snapshots
    before = len(objects(lake, "curated/a/data/"))
    done = maintain(lake.settings, lake.conn, **AT_ONCE)
    assert done.snapshots > 0
    assert len(lake.table("curated.a").metadata.snapshots) < len(staged)
    assert len(objects(lake, "curated/a/data/")) == before - 1
    assert lake.runs_in("curated.a") == [day(2).key]
    lake.run(day(3))
    assert lake.runs_in("curated.a") == [day(2).key, day(3).key]


def test_a_table_whose_files_are_not_where_it_says_stops_all_deletion(lake: Lake):
    lake.run(day(1))
    maintain(lake.settings, lake.conn, **AT_ONCE)
    litter = f"{lake.settings.warehouse}/curated/a/data/litter.parquet"
    store = open_store(lake.settings)
    store.write(litter, b"x")
    state = table_state(lake.catalog, "curated.b")
    elsewhere = f"{lake.settings.warehouse}/moved/00001-x.metadata.json"
    store.write(elsewhere, store.read(state.metadata_location))
    lake.conn.execute("update iceberg_tables set metadata_location = %s where table_name = 'b'", (elsewhere,))
    with pytest.raises(LakeUnavailableError, match="no file was deleted"):
        maintain(lake.settings, lake.conn, **AT_ONCE)
    assert litter in objects(lake)
