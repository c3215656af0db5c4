"""A commit of somebody else, before or during a publication, is kept; the publication starts over or refuses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from small_lake import Lake, day, rows

from calve.errors import StaleBaseError
from calve.lake.catalog import table_state
from calve.lake.pointers import PointerMovedError, move_pointers
from calve.lake.publication import history, publish
from calve.lake.records import connect, transaction


def committed_beside(lake: Lake, name: str) -> tuple[str, str]:
    """Commit a harmless change of a table, take it back, and return the pointers before and after."""
    before = table_state(lake.catalog, name).metadata_location
    with lake.table(name).transaction() as change:
        change.set_properties({"note": "harmless"})
    after = table_state(lake.catalog, name).metadata_location
    with transaction(lake.conn) as cursor:
        move_pointers(cursor, lake.settings.catalog_name, {name: (after, before)})
    return before, after


def test_a_pointer_that_moved_is_not_moved(lake: Lake):
    before, after = committed_beside(lake, "curated.b")
    first = table_state(lake.catalog, "curated.a").metadata_location
    moves = {"curated.a": (first, first + "x"), "curated.b": (after, before)}
    with pytest.raises(PointerMovedError, match=r"curated\.b"), transaction(lake.conn) as cursor:
        move_pointers(cursor, lake.settings.catalog_name, moves)
    assert table_state(lake.catalog, "curated.a").metadata_location == first


def test_a_harmless_commit_during_a_publication_is_kept(lake: Lake):
    lease = lake.lease()
    lake.stage(day(1), lease)
    before, after = committed_beside(lake, "curated.b")
    with ThreadPoolExecutor(1) as pool, connect(lake.settings) as other, connect(lake.settings) as own:
        with transaction(other) as cursor:
            move_pointers(cursor, lake.settings.catalog_name, {"curated.b": (before, after)})
            publishing = pool.submit(publish, lake.settings, own, day(1), lease.epoch)
            waits = "select 1 from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
            while not lake.conn.execute(waits, (own.info.backend_pid,)).fetchone():
                assert not publishing.done()
        assert publishing.result().number == 1
    assert lake.table("curated.b").properties["note"] == "harmless"
    assert lake.runs_in("curated.a") == lake.runs_in("curated.b") == [day(1).key]
    assert len(history(lake.conn)) == 1


def test_a_snapshot_that_was_not_staged_on_the_base_is_not_published(lake: Lake):
    lease = lake.lease()
    lake.stage(day(1), lease)
    lake.table("curated.b").append(rows("someone else"))
    moved = table_state(lake.catalog, "curated.b").main_snapshot_id
    lake.conn.execute("update calve.verdict set base_snapshot_id = %s where dataset = 'b'", (moved,))
    with pytest.raises(StaleBaseError, match=f"descendant of {moved}"):
        publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert lake.runs_in("curated.b") == ["someone else"]
