"""Going back publishes older snapshots again; what was withdrawn is open, and nothing is lost."""

import pytest
from small_lake import Lake, day

from calve.errors import IntervalError, LeaseHeldError, PublicationConflictError
from calve.lake.catalog import table_state
from calve.lake.landings import accepted_landings, watermark
from calve.lake.lease import release
from calve.lake.ledger import coverage_end, ledger, rebuild
from calve.lake.publication import history, newest
from calve.lake.rollback import rollback


@pytest.fixture
def two_days(lake: Lake) -> Lake:
    for number in (1, 2):
        lake.land(day(number))
        lake.run(day(number))
    return lake


def test_all_tables_go_back_as_a_new_publication(two_days: Lake):
    published = rollback(two_days.settings, two_days.conn, 1)
    assert (published.number, published.kind, published.parent) == (3, "rollback", 1)
    assert published.interval == day(1).interval
    for name in ("curated.a", "curated.b"):
        assert two_days.runs_in(name) == [day(1).key]
        assert table_state(two_days.catalog, name).refs.keys() == {"main", "pub_1", "pub_2", "pub_3"}
    assert newest(two_days.conn)["revenue"] == published


def test_what_was_withdrawn_is_open_again(two_days: Lake):
    rollback(two_days.settings, two_days.conn, 1)
    assert {each.publication for each in ledger(two_days.conn)} == {1}
    assert coverage_end(two_days.conn, "revenue") == day(1).interval.until
    assert watermark(two_days.conn, "orders") == day(1).interval.until
    assert len(accepted_landings(two_days.conn, "orders")) == 1
    assert not rebuild(two_days.conn)


def test_the_next_run_is_the_next_generation_and_is_built_on_what_was_restored(two_days: Lake):
    rollback(two_days.settings, two_days.conn, 1)
    again = two_days.next_run(day(2))
    assert again.generation == 1
    two_days.land(again)
    published = two_days.run(again)
    assert (published.number, published.parent) == (4, 3)
    assert two_days.runs_in("curated.a") == [day(1).key, again.key]
    assert len(accepted_landings(two_days.conn, "orders")) == 2
    assert not rebuild(two_days.conn)


def test_rolling_forward_brings_everything_back(two_days: Lake):
    rollback(two_days.settings, two_days.conn, 1)
    rollback(two_days.settings, two_days.conn, 2)
    assert two_days.runs_in("curated.a") == [day(1).key, day(2).key]
    assert len(accepted_landings(two_days.conn, "orders")) == 2
    assert coverage_end(two_days.conn, "revenue") == day(2).interval.until


def test_going_back_twice_is_once(two_days: Lake):
    first = rollback(two_days.settings, two_days.conn, 1)
    assert rollback(two_days.settings, two_days.conn, 1) == first
    assert [each.number for each in history(two_days.conn)] == [3, 2, 1]


def test_a_live_run_is_not_rolled_back_under_its_feet(two_days: Lake):
    lease = two_days.lease(day(3))
    with pytest.raises(LeaseHeldError, match=day(3).key):
        rollback(two_days.settings, two_days.conn, 1)
    release(two_days.conn, lease)
    assert two_days.runs_in("curated.a") == [day(1).key, day(2).key]


def test_a_publication_that_never_was_is_named(two_days: Lake):
    with pytest.raises(IntervalError, match="publication 7"):
        rollback(two_days.settings, two_days.conn, 7)


def test_a_publication_whose_snapshot_is_gone_is_refused(two_days: Lake):
    table = two_days.table("curated.b")
    gone = table.metadata.refs["pub_1"].snapshot_id
    table.manage_snapshots().remove_tag("pub_1").commit()
    two_days.table("curated.b").maintenance.expire_snapshots().by_id(gone).commit()
    with pytest.raises(PublicationConflictError, match="rollback to publication 1"):
        rollback(two_days.settings, two_days.conn, 1)
    assert two_days.runs_in("curated.a") == [day(1).key, day(2).key]


def test_a_dataset_that_came_later_leaves_the_publication_but_keeps_its_rows(two_days: Lake):
    grown = Lake.create(two_days.settings, two_days.conn, ("c",))
    both = Lake(two_days.settings, two_days.conn, grown.catalog, ("a", "b", "c"))
    both.run(day(3))
    published = rollback(both.settings, both.conn, 2)
    assert published.table("curated.c") is None
    assert both.runs_in("curated.c") == [day(3).key]
    rollback(both.settings, both.conn, 1)
    forward = rollback(both.settings, both.conn, 3)
    assert forward.table("curated.c") is not None
