"""I3: readers that overlap publications see all tables of one publication; the same reader sees mixes otherwise."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from small_lake import Lake, day

from calve.lake.lease import release
from calve.lake.objects import ObjectStore, open_store
from calve.lake.pointers import move_pointers, read_metadata, read_pointers
from calve.lake.publication import history, newest, publish
from calve.lake.records import Connection, connect, transaction
from calve.lake.rollback import rollback

READS = 1_000
CHANGES = 6
DATASETS = ("a", "b", "c")


class Reader:
    """Reads which run each table shows; metadata files never change, so each is fetched once."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.store: ObjectStore = open_store(lake.settings)
        self.known: dict[str, str] = {}

    def run_of(self, location: str) -> str:
        if location not in self.known:
            metadata = read_metadata(self.store, "x", location).metadata
            self.known[location] = metadata.current_snapshot().summary["calve.run-key"] or ""
        return self.known[location]

    def by_record(self, conn: Connection) -> set[str]:
        tables = newest(conn)["revenue"].tables
        return {
            self.run_of(f"{self.lake.settings.warehouse}/{table.copy_path}")
            for table in tables
            if table.namespace == "curated"
        }

    def by_pointer(self, conn: Connection) -> set[str]:
        with transaction(conn) as cursor:
            pointers = read_pointers(cursor, self.lake.settings.catalog_name, ["curated"])
        return {self.run_of(location) for location in pointers.values()}


def read_while(lake: Lake, read: Callable[[Connection], set[str]], change: Callable[[], None]) -> list[set[str]]:
    """Read all the time while `change` is done again and again, until there are enough reads and changes."""
    found: list[set[str]] = []
    enough = threading.Event()

    def look() -> None:
        with connect(lake.settings) as conn:
            while not enough.is_set():
                found.append(read(conn))

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        changes = 0
        try:
            while (len(found) < READS or changes < CHANGES) and not any(each.done() for each in looking):
                change()
                changes += 1
        finally:
            enough.set()
        for each in looking:
            each.result()
    return found


def published_twice(settings, conn) -> Lake:
    lake = Lake.create(settings, conn, DATASETS)
    lake.run(day(1))
    lake.run(day(2))
    return lake


def to_and_fro(lake: Lake) -> Callable[[], None]:
    numbers = iter([1, 2] * 10_000)
    return lambda: rollback(lake.settings, lake.conn, next(numbers)) and None


def test_readers_by_record_see_no_mix(settings, conn):
    lake = published_twice(settings, conn)
    found = read_while(lake, Reader(lake).by_record, to_and_fro(lake))
    assert len(found) >= READS
    assert {frozenset(each) for each in found} == {frozenset({day(1).key}), frozenset({day(2).key})}
    assert len(history(conn)) > 4


def test_readers_of_main_in_one_statement_see_no_mix(settings, conn):
    lake = published_twice(settings, conn)
    found = read_while(lake, Reader(lake).by_pointer, to_and_fro(lake))
    assert {frozenset(each) for each in found} == {frozenset({day(1).key}), frozenset({day(2).key})}


def test_the_same_reader_sees_mixes_when_tables_are_moved_one_by_one(settings, conn):
    lake = published_twice(settings, conn)
    ends = [
        {table.name: table.metadata_location for table in each.tables if table.namespace == "curated"}
        for each in history(conn)[:2]
    ]

    def change() -> None:
        for old, new in (ends, ends[::-1]):
            for name in old:
                with transaction(lake.conn) as cursor:
                    move_pointers(cursor, lake.settings.catalog_name, {name: (old[name], new[name])})

    found = read_while(lake, Reader(lake).by_pointer, change)
    assert {day(1).key, day(2).key} in found


def test_two_publishers_of_one_run_make_one_publication(settings, conn):
    lake = Lake.create(settings, conn, DATASETS)
    lease = lake.lease()
    lake.stage(day(1), lease)
    start = threading.Barrier(4)

    def compete(_: int) -> int:
        with connect(settings) as own:
            start.wait()
            return publish(settings, own, day(1), lease.epoch).number

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(compete, range(4))) == [1, 1, 1, 1]
    assert [each.number for each in history(conn)] == [1]
    assert all(lake.runs_in(f"curated.{name}") == [day(1).key] for name in DATASETS)


def test_pipelines_that_publish_at_once_get_numbers_of_their_own(settings, conn):
    lakes = [Lake.create(settings, conn, (f"{name}1", f"{name}2"), name) for name in ("reference", "revenue", "visits")]
    leases = [lake.lease() for lake in lakes]
    for lake, lease in zip(lakes, leases, strict=True):
        lake.stage(day(1, lake.pipeline), lease)
    start = threading.Barrier(len(lakes))

    def compete(pair) -> int:
        lake, lease = pair
        with connect(settings) as own:
            start.wait()
            return publish(settings, own, day(1, lake.pipeline), lease.epoch).number

    with ThreadPoolExecutor(len(lakes)) as pool:
        assert sorted(pool.map(compete, zip(lakes, leases, strict=True))) == [1, 2, 3]
    for lake, lease in zip(lakes, leases, strict=True):
        release(conn, lease)
        assert all(lake.runs_in(f"curated.{name}") == [day(1, lake.pipeline).key] for name in lake.datasets)
