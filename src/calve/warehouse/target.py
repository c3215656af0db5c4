"""What Snowflake should serve, read from the records in one transaction.

Never read before the idle schema was taken, when it is meant to be swapped in: what is newest then can't be
overtaken by an exposer that acted earlier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from calve.contract.project import Project
from calve.lake.lease import require
from calve.lake.ledger import verified_through
from calve.lake.published import Publication, history, newest
from calve.lake.records import Connection, query, transaction
from calve.runs import Run
from calve.warehouse.names import identifier

EXPOSER = "_expose"
PUBLICATIONS_SHOWN = 400
VERDICTS_SHOWN = 60

Row = tuple[object, ...]


@dataclass(frozen=True)
class TargetTable:
    """A published table as the record names it.

    Attributes:
        path: Of the published copy of its metadata, relative to the external volume.
    """

    dataset: str
    snapshot_id: int
    path: str
    row_count: int


@dataclass(frozen=True)
class Target:
    """Everything that the live schema should hold.

    Attributes:
        numbers: Newest publication of each pipeline.
        tables: By Snowflake's name of the table; also those that are kept.
        kept: Publication of each table without contract that stays because deployed views still name it.
        publications: Rows of the native table PUBLICATION.
        quality: Rows of the native table DATA_QUALITY.
    """

    numbers: Mapping[str, int]
    tables: Mapping[str, TargetTable]
    publications: tuple[Row, ...]
    quality: tuple[Row, ...]
    kept: Mapping[str, int]

    @property
    def protected(self) -> set[int]:
        """Return the publications whose files are served."""
        return {*self.numbers.values(), *self.kept.values()}

    @property
    def digest(self) -> str:
        """Name exactly the rows of the native tables."""
        text = repr((self.publications, self.quality))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def snapshots(self) -> dict[str, int]:
        """Return the snapshot that each table should serve."""
        return {name: table.snapshot_id for name, table in self.tables.items()}


def read_target(conn: Connection, project: Project, *, keep: Mapping[str, int], epoch: int | None = None) -> Target:
    """Read the newest publications of all pipelines, and what the native tables say of them.

    Args:
        keep: Tables of LIVE that deployed views name, with their snapshots; without contract, they stay as they are.
        epoch: Of the exposer's lease, which must still hold; None to look only.

    Raises:
        LeaseLostError: Another exposer took over.
    """
    with transaction(conn) as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        if epoch is not None:
            require(cursor, EXPOSER, epoch)
        publications = newest(conn)
        tables = _tables(project, publications)
        kept = {
            name: found
            for name, snapshot in sorted(keep.items())
            if name not in tables and (found := _published_before(conn, name.lower(), snapshot))
        }
        return Target(
            numbers={pipeline: found.number for pipeline, found in sorted(publications.items())},
            tables=tables | {name: table for name, (_, table) in kept.items()},
            publications=_publication_rows(conn, project, publications),
            quality=_quality_rows(conn, project),
            kept={name: number for name, (number, _) in kept.items()},
        )


def _published_before(conn: Connection, dataset: str, snapshot: int) -> tuple[int, TargetTable] | None:
    rows = query(
        conn,
        """
        select publication.number, found.copy_path, found.row_count
        from calve.publication as publication
        cross join jsonb_to_recordset(publication.tables)
            as found (dataset text, namespace text, snapshot_id bigint, copy_path text, row_count bigint)
        where found.dataset = %s and found.namespace = 'curated' and found.snapshot_id = %s
        order by publication.number desc
        limit 1
        """,
        (dataset, snapshot),
    )
    return next(
        ((row["number"], TargetTable(dataset, snapshot, row["copy_path"], row["row_count"])) for row in rows), None
    )


def _tables(project: Project, publications: Mapping[str, Publication]) -> dict[str, TargetTable]:
    found = {}
    for pipeline, publication in sorted(publications.items()):
        for table in publication.tables:
            contract = project.contracts.get(table.dataset)
            if table.namespace != "curated" or contract is None or contract.pipeline != pipeline:
                continue
            if table.snapshot_id is None:
                continue
            found[identifier(table.dataset)] = TargetTable(
                table.dataset, table.snapshot_id, table.copy_path, table.row_count
            )
    return found


def _publication_rows(conn: Connection, project: Project, publications: Mapping[str, Publication]) -> tuple[Row, ...]:
    rows: list[Row] = []
    for pipeline, served in sorted(publications.items()):
        verified = _verified(conn, project, served)
        for publication in history(conn, pipeline, limit=PUBLICATIONS_SHOWN):
            is_served = publication.number == served.number
            rows += [
                (
                    pipeline,
                    table.dataset,
                    publication.number,
                    publication.run_key,
                    publication.interval.since,
                    publication.interval.until,
                    publication.generation,
                    publication.published_at,
                    table.snapshot_id,
                    table.row_count,
                    verified.get(table.dataset) if is_served else None,
                    publication.digest,
                    is_served,
                )
                for table in publication.tables
                if table.namespace == "curated" and table.dataset in project.contracts
            ]
    return tuple(rows)


def _verified(conn: Connection, project: Project, served: Publication) -> dict[str, date | None]:
    pipeline = project.pipelines.get(served.pipeline)
    if pipeline is None:
        return {}
    start = date.fromisoformat(pipeline.start)
    named = (table.dataset for table in served.tables if table.namespace == "curated")
    contracts = [project.contracts[dataset] for dataset in named if dataset in project.contracts]
    return {
        each.dataset: verified_through(conn, each.dataset, start, compared=each.control_total is not None)
        for each in contracts
    }


def _quality_rows(conn: Connection, project: Project) -> tuple[Row, ...]:
    verdicts = query(
        conn,
        """
        select verdict.run_key, verdict.dataset, verdict.results, verdict.decided_at, publication.number
        from (
            select *, row_number() over (partition by dataset order by decided_at desc, run_key) as place
            from calve.verdict
            where voided_at is null
        ) as verdict
        left join calve.publication as publication on publication.run_key = verdict.run_key
        where verdict.place <= %s
        order by verdict.decided_at, verdict.run_key, verdict.dataset
        """,
        (VERDICTS_SHOWN,),
    )
    return tuple(
        (
            Run.parse(verdict["run_key"]).pipeline,
            verdict["dataset"],
            verdict["run_key"],
            verdict["number"],
            result["rule"],
            result["severity"],
            result["outcome"],
            result["checked_rows"],
            result["broken_rows"],
            result["allowed_rows"],
            verdict["decided_at"],
            result["detail"],
        )
        for verdict in verdicts
        if verdict["dataset"] in project.contracts
        for result in verdict["results"]
    )
