"""Read the records of publications: what was published when, and what is newest.

A reader that takes the snapshots of all its tables from one statement of this module never sees a mix.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import DictRow

from calve.lake.records import Connection, Cursor, query
from calve.runs import Interval


@dataclass(frozen=True)
class PublishedTable:
    """Where a publication put one table.

    Attributes:
        snapshot_id: None for a table that never had a snapshot.
        copy_path: Copy of the metadata file for Snowflake, relative to the warehouse.
        staged: The run moved this table; a curated one also when nothing in it changed, as a run leaves an empty
            snapshot then. False for a curated table that was only carried along.
    """

    dataset: str
    namespace: str
    uuid: str
    snapshot_id: int | None
    metadata_location: str
    copy_path: str
    row_count: int
    staged: bool

    @property
    def name(self) -> str:
        """Return the table's name, e.g. `curated.dim_region`."""
        return f"{self.namespace}.{self.dataset}"

    def as_record(self) -> dict[str, Any]:
        """Return the table as the record stores it."""
        return asdict(self)


@dataclass(frozen=True)
class Publication:
    """All tables of a pipeline, moved at once.

    Attributes:
        kind: `run`, or `rollback` to what its parent published.
        parent: Publication that a run was built on, or that a rollback restores.
    """

    number: int
    run_key: str
    pipeline: str
    interval: Interval
    scope: str
    generation: int
    published_at: datetime
    tables: tuple[PublishedTable, ...]
    digest: str
    kind: Literal["run", "rollback"]
    parent: int | None = None

    def table(self, name: str) -> PublishedTable | None:
        """Return the table of a name such as `curated.dim_region`."""
        return next((table for table in self.tables if table.name == name), None)

    @property
    def tag(self) -> str:
        """Return the tag that the publication left on every table."""
        return f"pub_{self.number}"


@dataclass(frozen=True)
class Pinned:
    """The snapshot of a table that a reader uses throughout."""

    uuid: str
    snapshot_id: int
    publication_number: int


def newest(conn: Connection) -> dict[str, Publication]:
    """Return the newest publication of each pipeline, in one statement."""
    rows = query(conn, "select distinct on (pipeline) * from calve.publication order by pipeline, number desc")
    return {row["pipeline"]: from_row(row) for row in rows}


def pins(conn: Connection, pipelines: Iterable[str]) -> dict[str, Pinned]:
    """Return the snapshots of the newest publications of some pipelines by `curated.<dataset>`, in one statement."""
    rows = query(
        conn,
        "select distinct on (pipeline) * from calve.publication where pipeline = any(%s)"
        " order by pipeline, number desc",
        (list(pipelines),),
    )
    return {
        table.name: Pinned(table.uuid, table.snapshot_id, publication.number)
        for publication in map(from_row, rows)
        for table in publication.tables
        if table.namespace == "curated" and table.snapshot_id is not None
    }


def history(conn: Connection, pipeline: str | None = None, limit: int = 400) -> list[Publication]:
    """Return publications, newest first; of one pipeline or of all."""
    rows = query(
        conn,
        "select * from calve.publication where %(pipeline)s::text is null or pipeline = %(pipeline)s"
        " order by number desc limit %(limit)s",
        {"pipeline": pipeline, "limit": limit},
    )
    return [from_row(row) for row in rows]


def live_numbers(conn: Connection) -> frozenset[int]:
    """Return the publications whose rows are in what is published now; the others were withdrawn by a rollback."""
    return frozenset(row["number"] for row in query(conn, "select number from calve.live_publication"))


def find_publication(conn: Connection, run_key: str) -> Publication | None:
    """Return the publication of a run key."""
    rows = query(conn, "select * from calve.publication where run_key = %s", (run_key,))
    return from_row(rows[0]) if rows else None


def numbered(conn: Connection, number: int) -> Publication | None:
    """Return the publication of a number."""
    rows = query(conn, "select * from calve.publication where number = %s", (number,))
    return from_row(rows[0]) if rows else None


def newest_of(cursor: Cursor, pipeline: str) -> Publication | None:
    """Return the newest publication of a pipeline, in a transaction of the caller."""
    row = cursor.execute(
        "select * from calve.publication where pipeline = %s order by number desc limit 1", (pipeline,)
    ).fetchone()
    return from_row(row) if row else None


def from_row(row: DictRow) -> Publication:
    """Return the publication that a row of `calve.publication` describes."""
    return Publication(
        number=row["number"],
        run_key=row["run_key"],
        pipeline=row["pipeline"],
        interval=Interval(row["since"], row["until"]),
        scope=row["scope"],
        generation=row["generation"],
        published_at=row["published_at"],
        tables=tuple(PublishedTable(**table) for table in row["tables"]),
        digest=row["digest"],
        kind=row["kind"],
        parent=row["parent"],
    )
