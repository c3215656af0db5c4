"""I3: a statement on the live schema sees one publication, whatever an exposer does meanwhile.

The control: the same reader does see mixes when the tables of LIVE are moved one by one.
"""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from calve.warehouse.connection import connect, execute
from calve.warehouse.ddl import refresh_iceberg_table
from calve.warehouse.expose import expose
from calve.warehouse.target import read_target

READS = 1000
READERS = 2


class Readers:
    """Threads that read two tables of LIVE in one statement, until told to stop."""

    def __init__(self, settings, names) -> None:
        self._settings, self._names = settings, names
        self.seen: Counter[tuple[int, int]] = Counter()
        self.enough = threading.Event()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(READERS)]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def mixes(self) -> int:
        return sum(count for (sale, day), count in self.seen.items() if sale != day)

    def _read(self) -> None:
        session = connect(self._settings, self._names.deployer)
        sale, day = (self._names.table("LIVE", table) for table in ("FCT_SALE", "AGG_DAY"))
        sql = f"select max(s.made_in) as sale, max(d.made_in) as day from {sale} as s, {day} as d where s.id = d.id"
        while not self._stop.is_set():
            (row,) = execute(session, sql)
            self.seen[row["sale"], row["day"]] += 1
            if self.seen.total() >= READS or self.mixes:
                self.enough.set()
        session.close()


@pytest.fixture
def ready(settings, conn, lake, snowflake):
    for name in ("sale_by_place", "both"):
        (lake.views / f"{name}.sql").unlink()
    lake.remove("dim_place")
    lake.publish("revenue")
    expose(settings, conn, lake.project)


def test_a_thousand_reads_over_exposes_see_no_mix(settings, conn, lake, snowflake, ready):
    with Readers(settings, snowflake.names) as readers:
        while not readers.enough.is_set():
            lake.publish("revenue")
            expose(settings, conn, lake.project)
    assert readers.mixes == 0
    assert readers.seen.total() >= READS
    assert len(readers.seen) >= 5  # publications that readers saw come and go


def test_the_same_readers_see_mixes_when_tables_are_moved_one_by_one(settings, conn, lake, snowflake, ready):
    owner = connect(settings, snowflake.names.owner)
    with Readers(settings, snowflake.names) as readers:
        while not readers.enough.is_set():
            lake.publish("revenue")
            for table in read_target(conn, lake.project, keep={}).tables.values():
                execute(owner, refresh_iceberg_table(snowflake.names, "LIVE", table.dataset, table.path))
    owner.close()
    assert readers.mixes > 0
