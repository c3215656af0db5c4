"""Say which interval of which dataset is present, from which publication.

The stored ledger is a projection of the publication records and can be rebuilt from them alone. Scoped runs don't
change it; the newest publication wins per sub-interval; a rollback takes back what it withdrew. It never says that
a dataset is covered by a publication that only carried it along.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from psycopg.rows import DictRow

from calve.effects import effect
from calve.lake.metrics import newest_compared, open_differences
from calve.lake.published import Publication, from_row
from calve.lake.records import Connection, Cursor, query, transaction
from calve.runs import ALL, Interval

CURATED = "curated"

# A date ends in the west at noon UTC of the day after, and the source seals it at the end of that day.
SEALED_AFTER = timedelta(days=2)


@dataclass(frozen=True, order=True)
class Segment:
    """A part of a dataset's coverage: `[since, until)` comes from one publication."""

    dataset: str
    pipeline: str
    since: datetime
    until: datetime
    publication: int


@dataclass(frozen=True)
class Difference:
    """What a rebuilt ledger has that the stored one lacked, and the other way round."""

    missing: tuple[Segment, ...]
    surplus: tuple[Segment, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus)


def ledger(conn: Connection, pipeline: str | None = None) -> list[Segment]:
    """Return the stored ledger, by dataset and time."""
    rows = query(
        conn,
        "select * from calve.ledger where %(pipeline)s::text is null or pipeline = %(pipeline)s"
        " order by dataset, since",
        {"pipeline": pipeline},
    )
    return [_segment(row) for row in rows]


def rebuild(conn: Connection) -> Difference:
    """Make the ledger again from the publication records and return how it differed from the stored one."""
    with effect("ledger.rebuild"), transaction(conn) as cursor:
        cursor.execute("lock table calve.publication, calve.ledger in share row exclusive mode")
        stored = {_segment(row) for row in cursor.execute("select * from calve.ledger").fetchall()}
        rebuilt = set(project(_live(cursor)))
        if rebuilt != stored:
            cursor.execute("delete from calve.ledger")
            _insert(cursor, rebuilt)
    return Difference(tuple(sorted(rebuilt - stored)), tuple(sorted(stored - rebuilt)))


def project(publications: Iterable[Publication]) -> list[Segment]:
    """Lay live publications over each other in the order of their numbers; later ones cover earlier ones."""
    segments: list[Segment] = []
    before: dict[int | None, Publication] = {}
    for publication in sorted(publications, key=lambda each: each.number):
        segments = lay(segments, publication, before.get(publication.parent))
        before[publication.number] = publication
    return segments


def lay(segments: Sequence[Segment], publication: Publication, before: Publication | None = None) -> list[Segment]:
    """Lay one publication over segments: what it covers is cut out of them, for the datasets that it staged.

    Args:
        segments: Of the pipeline.
        before: What the publication was built on. A dataset that was not staged there was computed whole, from all
            that was ever accepted: it covers whatever the pipeline does.
    """
    if publication.scope != ALL or publication.kind != "run":
        return list(segments)
    whole = _computed_whole(publication, before)
    segments = [each for each in segments if each.dataset not in whole]
    all_of_it = _merged(segments, publication.interval)
    pipeline, number = publication.pipeline, publication.number
    laid = [Segment(name, pipeline, begin, end, number) for name in whole for begin, end in all_of_it]
    since, until = publication.interval.since, publication.interval.until
    datasets = sorted(_staged(publication) - whole)
    kept: list[Segment] = []
    for each in segments:
        if each.dataset not in datasets or each.until <= since or until <= each.since:
            kept.append(each)
            continue
        if each.since < since:
            kept.append(Segment(each.dataset, each.pipeline, each.since, since, each.publication))
        if until < each.until:
            kept.append(Segment(each.dataset, each.pipeline, until, each.until, each.publication))
    laid += [Segment(name, pipeline, since, until, number) for name in datasets]
    return sorted([*kept, *laid])


def _staged(publication: Publication) -> set[str]:
    return {table.dataset for table in publication.tables if table.namespace == CURATED and table.staged}


def _computed_whole(publication: Publication, before: Publication | None) -> set[str]:
    return _staged(publication) - _staged(before) if before is not None else set()


def _merged(segments: Iterable[Segment], own: Interval) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for since, until in sorted([(own.since, own.until), *((each.since, each.until) for each in segments)]):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged


def add(cursor: Cursor, publication: Publication) -> None:
    """Add a publication to the stored ledger, in the transaction that records it."""
    if publication.kind == "rollback":
        cursor.execute("delete from calve.ledger where pipeline = %s", (publication.pipeline,))
        _insert(cursor, project(each for each in _live(cursor) if each.pipeline == publication.pipeline))
        return
    rows = cursor.execute("select * from calve.publication where number = %s", (publication.parent,)).fetchall()
    stored = cursor.execute("delete from calve.ledger where pipeline = %s returning *", (publication.pipeline,))
    segments = [_segment(row) for row in stored.fetchall()]
    _insert(cursor, lay(segments, publication, from_row(rows[0]) if rows else None))


def coverage_end(conn: Connection, pipeline: str, start: date | None = None) -> datetime | None:
    """Return where the contiguous coverage of a pipeline ends, from `start` or else from its first day."""
    segments = ledger(conn, pipeline)
    if start is not None:
        return _contiguous(segments, _midnight(start))
    return _contiguous(segments, min(each.since for each in segments)) if segments else None


def is_covered(conn: Connection, pipeline: str, interval: Interval) -> bool:
    """Tell whether every dataset of the pipeline in the ledger covers the whole interval."""
    by_dataset: dict[str, list[Segment]] = {}
    for each in ledger(conn, pipeline):
        by_dataset.setdefault(each.dataset, []).append(each)
    ends = [_contiguous(segments, interval.since) for segments in by_dataset.values()]
    return bool(ends) and all(end is not None and end >= interval.until for end in ends)


def verified_through(conn: Connection, dataset: str, start: date, *, compared: bool) -> date | None:
    """Return the last business date up to which every date from `start` is complete and agrees with its totals.

    Args:
        compared: The source seals control totals for the dataset: no date is verified before one at least as new
            was compared with them.
    """
    segments = [_segment(row) for row in query(conn, "select * from calve.ledger where dataset = %s", (dataset,))]
    end = _contiguous(segments, _midnight(start))
    if end is None:
        return None
    lasts = [(end - SEALED_AFTER).date()]
    if compared:
        lasts.append(newest_compared(conn, dataset) or date.min)
    if disputed := open_differences(conn, dataset):
        lasts.append(disputed[0].day - timedelta(days=1))
    last = min(lasts)
    return last if last >= start else None


def earliest(verified: Iterable[date | None]) -> date | None:
    """Return the earliest of the dates through which datasets are verified; none while one of them has none."""
    dates = list(verified)
    known = [each for each in dates if each is not None]
    return min(known) if known and len(known) == len(dates) else None


def next_interval(conn: Connection, pipeline: str, start: date, now: datetime) -> Interval | None:
    """Return the first gap of the pipeline's coverage from `start` that is over at `now`; None when there is none."""
    since = _midnight(start)
    segments = ledger(conn, pipeline)
    since = _contiguous(segments, since) or since
    until = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    until = min([until, *(each.since for each in segments if each.since > since)])
    return Interval(since, until) if since < until else None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _contiguous(segments: Iterable[Segment], start: datetime) -> datetime | None:
    end = start
    for each in sorted(segments, key=lambda segment: segment.since):
        if each.since <= end:
            end = max(end, each.until)
    return end if end > start else None


def _live(cursor: Cursor) -> list[Publication]:
    rows = cursor.execute(
        "select publication.* from calve.publication"
        " inner join calve.live_publication as live on live.number = publication.number"
    ).fetchall()
    return [from_row(row) for row in rows]


def _insert(cursor: Cursor, segments: Iterable[Segment]) -> None:
    cursor.executemany(
        "insert into calve.ledger (dataset, pipeline, since, until, publication) values (%s, %s, %s, %s, %s)",
        [(each.dataset, each.pipeline, each.since, each.until, each.publication) for each in segments],
    )


def _segment(row: DictRow) -> Segment:
    return Segment(row["dataset"], row["pipeline"], row["since"], row["until"], row["publication"])
