"""Number the generations and attempts of a run, and say how each ended.

An attempt is started only under the lease; starting one ends the ones before it, which can then change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args

from psycopg.rows import DictRow

from calve.effects import effect
from calve.errors import IntervalError
from calve.lake.lease import Holder, require
from calve.lake.records import Connection, query, transaction
from calve.runs import Interval, Run

Mode = Literal["changes", "reload", "reprocess"]


@dataclass(frozen=True)
class Way:
    """How a generation is made.

    Attributes:
        mode: `changes` reads what changed and computes what that touches, `reload` reads the sources whole,
            `reprocess` computes every dataset anew from all accepted raw rows.
        datasets: Of a reprocess: only these are computed anew, and nothing lands; empty for all of the pipeline.
    """

    mode: Mode = "changes"
    datasets: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.mode}:{','.join(self.datasets)}" if self.datasets else self.mode

    @classmethod
    def parse(cls, text: str) -> Way:
        """Read `changes`, `reload`, `reprocess`, or `reprocess:fct_payment,fct_order_line`.

        Raises:
            IntervalError: It is none of these.
        """
        mode, colon, names = text.partition(":")
        datasets = tuple(names.split(",")) if colon else ()
        if mode not in get_args(Mode) or (colon and (mode != "reprocess" or not all(datasets))):
            msg = f"way '{text}': expected one of {', '.join(get_args(Mode))}, or reprocess:DATASET,…"
            raise IntervalError(msg)
        return cls(cast("Mode", mode), datasets)


CHANGES = Way()


@dataclass(frozen=True)
class Generation:
    """Which making of an interval a run is, and how it is made."""

    number: int
    way: Way = CHANGES


@dataclass(frozen=True)
class Attempt:
    """One try at a run.

    Attributes:
        way: How it makes the run.
        outcome: None while it goes on; `replaced` when a later attempt began without this one having ended.
    """

    run: Run
    attempt: int
    way: Way
    epoch: int
    digest: str
    holder: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    detail: str | None


@dataclass(frozen=True)
class RunState:
    """What the records know of a run key.

    Attributes:
        word: `passed` or `blocked`; None without a verdict.
        publication: Number of its publication.
    """

    run: Run
    attempts: tuple[Attempt, ...]
    word: str | None
    publication: int | None


def next_generation(conn: Connection, pipeline: str, interval: Interval, scope: str, way: Way = CHANGES) -> Generation:
    """Return the generation that a run of this interval has now, and how it is made.

    0 at first; the same while the run has no verdict, or is published; one more after a blocked verdict, after a
    rollback withdrew its publication, and when what is published or begun is to be made in another way. A
    generation keeps its way: one that died is taken up as what it was.
    """
    rows = query(
        conn,
        """
        select attempt.generation,
            min(attempt.mode) as mode,
            case when bool_and(attempt.datasets is not null) then min(attempt.datasets) end as datasets,
            bool_or(verdict.word = 'blocked') as is_blocked,
            bool_or(publication.number is not null) as is_published,
            bool_or(live.number is not null) as is_live
        from calve.attempt
        left join calve.verdict
            on verdict.run_key = attempt.run_key and verdict.voided_at is null
        left join calve.publication on publication.run_key = attempt.run_key
        left join calve.live_publication as live on live.number = publication.number
        where attempt.pipeline = %s and attempt.since = %s and attempt.until = %s and attempt.scope = %s
        group by attempt.generation
        order by attempt.generation desc
        limit 1
        """,
        (pipeline, interval.since, interval.until, scope),
    )
    if not rows:
        return Generation(0, way)
    newest = rows[0]
    begun = _way(newest)
    is_withdrawn = newest["is_published"] and not newest["is_live"]
    is_other = way.mode != "changes" and (newest["is_published"] or way != begun)
    if newest["is_blocked"] or is_withdrawn or is_other:
        return Generation(int(newest["generation"]) + 1, way)
    return Generation(int(newest["generation"]), begun)


def _way(row: DictRow) -> Way:
    return Way(row["mode"], tuple(row["datasets"] or ()))


def start_attempt(
    conn: Connection, run: Run, epoch: int, digest: str, holder: Holder | str, *, way: Way = CHANGES
) -> int:
    """Begin the next attempt of the run and return its number; earlier ones that hadn't ended are replaced.

    Raises:
        LeaseLostError: `epoch` is not the lease of the pipeline any more.
    """
    with effect("attempt.start"), transaction(conn) as cursor:
        require(cursor, run.pipeline, epoch)
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 1))", (run.key,))
        cursor.execute(
            "update calve.attempt set ended_at = clock_timestamp(), outcome = 'replaced'"
            " where run_key = %s and ended_at is null",
            (run.key,),
        )
        row = cursor.execute(
            "select coalesce(max(attempt), 0) + 1 as attempt from calve.attempt where run_key = %s", (run.key,)
        ).fetchone()
        attempt = int(row["attempt"]) if row else 1
        cursor.execute(
            """
            insert into calve.attempt
                (run_key, attempt, pipeline, since, until, scope, generation, mode, datasets, branch, epoch, digest,
                holder)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                run.key,
                attempt,
                run.pipeline,
                run.interval.since,
                run.interval.until,
                run.scope,
                run.generation,
                way.mode,
                list(way.datasets) or None,
                run.branch(attempt),
                epoch,
                digest,
                str(holder),
            ),
        )
    return attempt


def end_attempt(conn: Connection, run_key: str, attempt: int, outcome: str, detail: str | None = None) -> None:
    """Say how an attempt ended; the first word stands."""
    with effect("attempt.end"), transaction(conn) as cursor:
        cursor.execute(
            "update calve.attempt set ended_at = clock_timestamp(), outcome = %s, detail = %s"
            " where run_key = %s and attempt = %s and ended_at is null",
            (outcome, detail, run_key, attempt),
        )


def find_run(conn: Connection, run_key: str) -> RunState | None:
    """Return what the records know of a run key; None when it was never tried."""
    rows = query(
        conn,
        """
        select attempt.*,
            (
                select case when bool_or(word = 'blocked') then 'blocked' when count(*) > 0 then 'passed' end
                from calve.verdict where verdict.run_key = attempt.run_key and voided_at is null
            ) as word,
            (select number from calve.publication where run_key = attempt.run_key) as publication
        from calve.attempt
        where run_key = %s
        order by attempt
        """,
        (run_key,),
    )
    if not rows:
        return None
    run = Run.parse(run_key)
    attempts = tuple(
        Attempt(
            run,
            row["attempt"],
            _way(row),
            row["epoch"],
            row["digest"],
            row["holder"],
            row["started_at"],
            row["ended_at"],
            row["outcome"],
            row["detail"],
        )
        for row in rows
    )
    return RunState(run, attempts, rows[0]["word"], rows[0]["publication"])


def ways_of(conn: Connection, run_keys: Iterable[str]) -> dict[str, Way]:
    """Return how runs were made, by run key, as their last attempts say; a key that never ran is left out."""
    rows = query(
        conn,
        "select distinct on (run_key) run_key, mode, datasets from calve.attempt where run_key = any(%s)"
        " order by run_key, attempt desc",
        (list(run_keys),),
    )
    return {row["run_key"]: _way(row) for row in rows}


def must_be_its_way(conn: Connection, run_key: str, way: Way) -> None:
    """Refuse to make a run that was begun in another way: what is asked for now would be left out.

    Raises:
        IntervalError: It was; two requests were planned before either began.
    """
    begun = ways_of(conn, [run_key]).get(run_key, way)
    if begun != way:
        msg = f"run key '{run_key}': begun by {begun}, asked for by {way}; ask again, and it is the next generation"
        raise IntervalError(msg)


def runs(conn: Connection, pipeline: str, limit: int = 20) -> list[RunState]:
    """Return the runs of a pipeline, the one that was tried last first."""
    rows = query(
        conn,
        "select run_key from calve.attempt where pipeline = %s group by run_key order by max(started_at) desc limit %s",
        (pipeline, limit),
    )
    found = (find_run(conn, row["run_key"]) for row in rows)
    return [state for state in found if state is not None]
