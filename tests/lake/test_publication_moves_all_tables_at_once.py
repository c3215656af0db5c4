"""I1, I2, I3: one publication per run key, of exactly what was audited, all tables or none."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row
from small_lake import Lake, day, rows

from calve.errors import (
    BlockedError,
    ClockSkewError,
    JobFailedError,
    LeaseLostError,
    PublicationConflictError,
    StaleBaseError,
)
from calve.lake.catalog import find_snapshot, table_state
from calve.lake.lease import acquire, release
from calve.lake.objects import open_store
from calve.lake.pointers import read_metadata
from calve.lake.publication import history, newest, pins, publish
from calve.lake.verdicts import verdicts_of

TABLES = ("curated.a", "curated.b", "quarantine.a", "quarantine.b")


def test_all_tables_move_to_what_was_audited_and_get_the_tag(lake: Lake):
    published = lake.run(day(1))
    audited = {verdict.dataset: verdict.staged_snapshot_id for verdict in verdicts_of(lake.conn, day(1).key)}
    assert published.number == 1
    assert tuple(table.name for table in published.tables) == TABLES
    for name in TABLES:
        state = table_state(lake.catalog, name)
        assert state.refs == {"main": state.main_snapshot_id, "pub_1": state.main_snapshot_id}
        assert published.table(name).snapshot_id == state.main_snapshot_id
        assert published.table(name).metadata_location == state.metadata_location
    assert published.table("curated.a").snapshot_id == audited["a"]
    assert lake.runs_in("curated.a") == lake.runs_in("curated.b") == [day(1).key]
    assert published.digest == "digest"


def test_a_table_that_the_run_did_not_change_gets_the_tag_too(lake: Lake):
    lake.run(day(1))
    published = lake.run(day(2), only="a")
    assert published.table("curated.b").staged is False
    assert published.table("curated.a").staged is True
    assert published.table("curated.b").snapshot_id == table_state(lake.catalog, "curated.b").refs["pub_2"]


def test_publishing_again_returns_the_same_publication(lake: Lake):
    first = lake.run(day(1))
    lease = lake.lease()
    assert publish(lake.settings, lake.conn, day(1), lease.epoch) == first
    assert publish(lake.settings, lake.conn, day(1), lease.epoch - 1) == first
    assert [each.number for each in history(lake.conn)] == [1]


def test_the_copy_for_snowflake_has_the_published_snapshot(lake: Lake):
    published = lake.run(day(1))
    store = open_store(lake.settings)
    for table in published.tables:
        assert table.copy_path.startswith(f"_published/{table.name}/")
        copy = read_metadata(store, table.name, f"{lake.settings.warehouse}/{table.copy_path}").metadata
        assert copy.current_snapshot_id == table.snapshot_id
        assert str(copy.table_uuid) == table.uuid


def test_a_branch_that_moved_after_the_audit_is_not_what_is_published(lake: Lake):
    lease = lake.lease()
    attempt = lake.stage(day(1), lease)
    lake.table("curated.a").append(rows("unaudited"), branch=day(1).branch(attempt))
    publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert lake.runs_in("curated.a") == [day(1).key]


def test_a_blocked_run_is_not_published(lake: Lake):
    lease = lake.lease()
    lake.stage(day(1), lease, words={"b": "blocked"})
    with pytest.raises(BlockedError, match="audit of b"):
        publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert lake.runs_in("curated.a") == []
    assert newest(lake.conn) == {}


def test_a_run_without_a_verdict_is_not_published(lake: Lake):
    lease = lake.lease()
    with pytest.raises(JobFailedError, match="no verdict"):
        publish(lake.settings, lake.conn, day(1), lease.epoch)


def test_a_publisher_whose_lease_was_taken_over_changes_nothing(lake: Lake):
    lease = lake.lease()
    lake.stage(day(1), lease)
    release(lake.conn, lease)
    acquire(lake.conn, "revenue", "other", replace(lease.holder, host="other"), 60)
    before = {name: table_state(lake.catalog, name) for name in TABLES}
    with pytest.raises(LeaseLostError):
        publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert before == {name: table_state(lake.catalog, name) for name in TABLES}


def test_main_that_moved_since_the_verdict_is_never_undone_and_the_run_stages_again(lake: Lake):
    lease = lake.lease()
    lake.stage(day(1), lease)
    lake.table("curated.b").append(rows("someone else"))
    with pytest.raises(StaleBaseError, match=r"main of curated\.b"):
        publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert (lake.runs_in("curated.a"), lake.runs_in("curated.b")) == ([], ["someone else"])
    assert verdicts_of(lake.conn, day(1).key) == ()
    lake.stage(day(1), lease)
    publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert lake.runs_in("curated.b") == [day(1).key, "someone else"]


def test_an_audited_snapshot_that_is_gone_is_staged_again(lake: Lake):
    lease = lake.lease()
    attempt = lake.stage(day(1), lease)
    table = lake.table("curated.a")
    staged = table.metadata.refs[day(1).branch(attempt)].snapshot_id
    table.manage_snapshots().remove_branch(day(1).branch(attempt)).commit()
    lake.table("curated.a").maintenance.expire_snapshots().by_id(staged).commit()
    with pytest.raises(StaleBaseError, match=str(staged)):
        publish(lake.settings, lake.conn, day(1), lease.epoch)


def test_tables_moved_by_hand_without_a_record_stop_the_publication(lake: Lake):
    lease = lake.lease()
    lake.stage(day(1), lease)
    staged = verdicts_of(lake.conn, day(1).key)[0].staged_snapshot_id
    lake.table("curated.a").manage_snapshots().set_current_snapshot(snapshot_id=staged).commit()
    with pytest.raises(PublicationConflictError, match=r"curated\.a at the audited snapshot"):
        publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert lake.runs_in("curated.b") == []


def test_a_table_that_was_made_anew_stops_the_publication(lake: Lake):
    lease = lake.lease()
    lake.stage(day(1), lease)
    lake.catalog.drop_table("curated.b")
    with pytest.raises(PublicationConflictError, match=r"no table curated\.b"):
        publish(lake.settings, lake.conn, day(1), lease.epoch)
    lake.catalog.create_table("curated.b", lake.table("curated.a").schema())
    with pytest.raises(PublicationConflictError, match=r"curated\.b is"):
        publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert lake.runs_in("curated.a") == []


@pytest.mark.parametrize("minutes", [pytest.param(2, id="ahead"), pytest.param(-2, id="behind")])
def test_a_publisher_whose_clock_is_two_minutes_off_refuses(lake: Lake, minutes: int):
    lease = lake.lease()
    lake.stage(day(1), lease)
    with pytest.raises(ClockSkewError, match=re.escape(f"{minutes * 60:+d} s off")):
        publish(
            lake.settings, lake.conn, day(1), lease.epoch, clock=lambda: datetime.now(UTC) + timedelta(minutes=minutes)
        )
    assert lake.runs_in("curated.a") == []
    publish(lake.settings, lake.conn, day(1), lease.epoch)


def test_times_in_the_metadata_never_go_back(lake: Lake):
    for number in (1, 2, 3):
        lake.run(day(number))
    for name in TABLES:
        metadata = lake.table(name).metadata
        log = [entry.timestamp_ms for entry in metadata.snapshot_log]
        files = [entry.timestamp_ms for entry in metadata.metadata_log]
        assert log == sorted(log)
        assert files == sorted(files)
        assert metadata.last_updated_ms > files[-1]
        assert metadata.last_updated_ms >= log[-1]
        assert metadata.snapshot_log[-1].snapshot_id == metadata.current_snapshot_id


def test_a_late_append_of_an_old_attempt_changes_nothing_that_is_published(lake: Lake):
    lease = lake.lease()
    first = lake.stage(day(1), lease)
    lake.conn.execute("update calve.verdict set voided_at = now()")
    lake.stage(day(1), lease)
    lake.table("curated.a").append(rows("late"), branch=day(1).branch(first))
    publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert lake.runs_in("curated.a") == [day(1).key]
    assert set(table_state(lake.catalog, "curated.a").refs) == {"main", "pub_1"}


def test_readers_pin_the_newest_publication_of_each_pipeline(lake: Lake):
    reference = Lake.create(lake.settings, lake.conn, ("dim",), "reference")
    lake.run(day(1))
    reference.run(day(1, "reference"))
    second = lake.run(day(2))
    found = pins(lake.conn, ["revenue", "reference"])
    assert set(found) == {"curated.a", "curated.b", "curated.dim"}
    assert found["curated.a"].snapshot_id == second.table("curated.a").snapshot_id
    assert (found["curated.a"].publication_number, found["curated.dim"].publication_number) == (3, 2)
    assert {name: each.number for name, each in newest(lake.conn).items()} == {"revenue": 3, "reference": 2}


def test_a_table_without_any_snapshot_is_published_as_empty(lake: Lake):
    lake.catalog.drop_table("quarantine.a")
    lake.catalog.create_table("quarantine.a", lake.table("curated.a").schema())
    published = lake.run(day(1))
    assert published.table("quarantine.a").snapshot_id is None
    assert published.table("quarantine.a").row_count == 0


def test_a_run_key_is_found_on_main_only_once_published(lake: Lake):
    lease = lake.lease()
    attempt = lake.stage(day(1), lease)
    staged = find_snapshot(lake.catalog, "curated.a", "calve.run-key", day(1).key, ref=day(1).branch(attempt))
    assert staged is not None
    assert find_snapshot(lake.catalog, "curated.a", "calve.run-key", day(1).key) is None
    publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert find_snapshot(lake.catalog, "curated.a", "calve.run-key", day(1).key) == staged


def test_a_publication_inside_another_transaction_is_refused(lake: Lake):
    lease = lake.lease()
    lake.stage(day(1), lease)
    with lake.conn.transaction(), pytest.raises(ValueError, match="autocommit"):
        publish(lake.settings, lake.conn, day(1), lease.epoch)
    url = lake.settings.catalog_url.get_secret_value()
    with psycopg.connect(url, row_factory=dict_row) as other, pytest.raises(ValueError, match="autocommit"):
        publish(lake.settings, other, day(1), lease.epoch)
