"""What every step of one attempt is given. Decides nothing but which rows of a source the run is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from pyspark.sql import SparkSession

from calve.contract.scopes import Part
from calve.contract.sources import Source
from calve.lake.attempts import Mode
from calve.lake.publication import Publication
from calve.lake.records import Connection
from calve.runs import Interval, Run
from calve.settings import Settings
from calve.spark.extract import ALL_ROWS, predicate_of

NO_ROWS = sql.SQL("false")


@dataclass(frozen=True)
class Context:
    """What every step of one attempt needs.

    Attributes:
        attempt: Number of this try at the run.
        epoch: Epoch of the lease under which it may change anything.
        digest: Contract digest of the project.
        mode: How the run's generation reads sources and computes datasets.
        datasets: Of a reprocess: the only ones that it computes anew, from what landed before; empty for all.
        seen_until: End of what is published of the pipeline, or of this run if that is later: no row of a day
            before it is of the future.
        published: Newest publication of the pipeline; None before the first.
        parts: What the run's scope means in each source that it reaches; None for a run of all.
    """

    session: SparkSession
    settings: Settings
    records: Connection
    catalog: Any
    run: Run
    attempt: int
    epoch: int
    digest: str
    mode: Mode
    seen_until: datetime
    published: Publication | None
    parts: Mapping[str, Part] | None = None
    datasets: tuple[str, ...] = ()

    @property
    def judged(self) -> Interval:
        """Return the interval that row rules mean by `:since` and `:until`."""
        return Interval(self.run.interval.since, self.seen_until)

    def makes_anew(self, dataset: str) -> bool:
        """Tell whether the run was asked to compute the whole dataset."""
        return self.mode == "reprocess" and (not self.datasets or dataset in self.datasets)

    def passes_over(self, dataset: str) -> bool:
        """Tell whether the run was asked for other datasets only."""
        return bool(self.datasets) and dataset not in self.datasets

    def reaches(self, source: Source) -> bool:
        """Tell whether the run is about any row of the source."""
        return self.parts is None or source.source in self.parts

    def reads_whole(self, source: Source) -> bool:
        """Tell whether the run reads all rows (of its scope), not only what changed."""
        return self.mode == "reload" or source.extract == "whole"

    def predicate(self, source: Source) -> sql.Composable:
        """Return the condition of the rows of the source that the run is about."""
        if self.parts is None:
            return ALL_ROWS
        part = self.parts.get(source.source)
        return predicate_of(part) if part else NO_ROWS
