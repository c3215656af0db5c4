"""A small lake made with PyIceberg alone: tables with one row per run, staged and audited as Spark would."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from calve.lake.attempts import CHANGES, Way, end_attempt, next_generation, start_attempt
from calve.lake.catalog import open_catalog, table_state
from calve.lake.landings import Landing, landings_of, record_landings
from calve.lake.lease import Holder, Lease, acquire, release
from calve.lake.publication import Publication, publish
from calve.lake.records import Connection
from calve.lake.verdicts import DatasetVerdict, record_verdicts
from calve.runs import ALL, Interval, Run
from calve.settings import Settings

ROWS = pa.schema([pa.field("id", pa.int64()), pa.field("run", pa.string())])
FIRST = date(2026, 1, 1)


def day(number: int, pipeline: str = "revenue") -> Run:
    """Return the run of day `number` of 2026."""
    return Run(pipeline, Interval.parse((FIRST + timedelta(days=number - 1)).isoformat()))


def rows(run: str, count: int = 1) -> pa.Table:
    return pa.table({"id": list(range(count)), "run": [run] * count}, schema=ROWS)


@dataclass
class Lake:
    """A pipeline's tables and what a run does to them."""

    settings: Settings
    conn: Connection
    catalog: SqlCatalog
    datasets: tuple[str, ...]
    pipeline: str = "revenue"

    @classmethod
    def create(
        cls, settings: Settings, conn: Connection, datasets: tuple[str, ...] = ("a", "b"), pipeline: str = "revenue"
    ) -> Lake:
        catalog = open_catalog(settings)
        for namespace in ("curated", "quarantine", "raw"):
            catalog.create_namespace_if_not_exists(namespace)
        for dataset in datasets:
            for namespace in ("curated", "quarantine"):
                table = catalog.create_table(f"{namespace}.{dataset}", ROWS)
                table.append(rows("", 0))
        return cls(settings, conn, catalog, datasets, pipeline)

    def lease(self, run: Run | None = None) -> Lease:
        return acquire(self.conn, self.pipeline, run.key if run else "test", Holder.here(), 600)

    def give_back(self, lease: Lease) -> None:
        release(self.conn, lease)

    def table(self, name: str) -> Table:
        return self.catalog.load_table(name)

    def stage(
        self,
        run: Run,
        lease: Lease,
        *,
        words: dict[str, str] | None = None,
        only: str | None = None,
        way: Way = CHANGES,
    ) -> int:
        """Stage a row with the run's key in every dataset (or one), audit it and return the attempt."""
        attempt = start_attempt(self.conn, run, lease.epoch, "digest", Holder.here(), way=way)
        verdicts = [self._stage(run, attempt, name, changes=only in (None, name)) for name in self.datasets]
        if words:
            verdicts = [_with_word(verdict, words.get(verdict.dataset, "passed")) for verdict in verdicts]
        record_verdicts(self.conn, run.key, verdicts, epoch=lease.epoch)
        end_attempt(self.conn, run.key, attempt, "blocked" if words else "passed")
        return attempt

    def _stage(self, run: Run, attempt: int, dataset: str, *, changes: bool) -> DatasetVerdict:
        curated, base, staged = self.branch(f"curated.{dataset}", run, attempt, changes=changes)
        quarantine, q_base, q_staged = self.branch(f"quarantine.{dataset}", run, attempt, changes=False)
        return DatasetVerdict(
            run.key, dataset, attempt, "passed", curated, base, staged, quarantine, q_base, q_staged, row_count=1
        )

    def branch(self, name: str, run: Run, attempt: int, *, changes: bool = True) -> tuple[str, int | None, int | None]:
        """Stage on the attempt's branch; return the table's uuid, its base and what was staged."""
        state = table_state(self.catalog, name)
        if not changes or state.main_snapshot_id is None:
            return state.uuid, state.main_snapshot_id, state.main_snapshot_id
        branch = run.branch(attempt)
        table = self.table(name)
        table.manage_snapshots().create_branch(state.main_snapshot_id, branch).commit()
        self.table(name).append(rows(run.key), snapshot_properties={"calve.run-key": run.key}, branch=branch)
        return state.uuid, state.main_snapshot_id, table_state(self.catalog, name).refs[branch]

    def land(self, run: Run, source: str = "orders") -> Landing:
        """Land a row of a source, unless the run has done so."""
        if found := landings_of(self.conn, run.key).get(source):
            return found
        table = self.catalog.create_table_if_not_exists(f"raw.{source}", ROWS)
        seq = time.time_ns() // 1000
        table.append(rows(run.key), snapshot_properties={"calve.run-key": run.key, "calve.landing-id": f"l{seq}"})
        until = run.interval.until
        snapshot_id = table_state(self.catalog, f"raw.{source}").main_snapshot_id
        landing = Landing(run.key, source, f"l{seq}", snapshot_id, until, None, until, until, 1, {"rows": 1}, seq)
        return record_landings(self.conn, [landing])[source]

    def run(self, run: Run, **kwargs: str) -> Publication:
        """Make a run true from lease to publication."""
        lease = self.lease(run)
        self.stage(run, lease, **kwargs)
        published = publish(self.settings, self.conn, run, lease.epoch)
        self.give_back(lease)
        return published

    def next_run(self, run: Run) -> Run:
        generation = next_generation(self.conn, run.pipeline, run.interval, ALL).number
        return Run(run.pipeline, run.interval, run.scope, generation)

    def runs_in(self, name: str, snapshot_id: int | None = None) -> list[str]:
        """Return the run keys of the rows of a table, as a reader of `main` or of a snapshot sees them."""
        scanned = self.table(name).scan(snapshot_id=snapshot_id).to_arrow()
        return sorted(scanned["run"].to_pylist())


def _with_word(verdict: DatasetVerdict, word: str) -> DatasetVerdict:
    return DatasetVerdict(**{**vars(verdict), "word": word})
