"""Number the generations and attempts of a run, and say how each ended.

An attempt is started only under the lease; starting one ends the ones before it, which can then change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from calve.effects import effect
from calve.lake.lease import Holder, require
from calve.lake.records import Connection, query, transaction
from calve.runs import Interval, Run

Mode = Literal["changes", "reload", "reprocess"]


@dataclass(frozen=True)
class Generation:
    """Which making of an interval a run is.

    Attributes:
        mode: `changes` reads what changed and computes what that touches, `reload` reads the sources whole,
            `reprocess` computes every dataset anew from all accepted raw rows.
    """

    number: int
    mode: Mode


@dataclass(frozen=True)
class Attempt:
    """One try at a run.

    Attributes:
        outcome: None while it goes on; `replaced` when a later attempt began without this one having ended.
    """

    run: Run
    attempt: int
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


def next_generation(
    conn: Connection, pipeline: str, interval: Interval, scope: str, mode: Mode = "changes"
) -> Generation:
    """Return the generation that a run of this interval has now, and how it reads its sources.

    0 at first; the same while the run has no verdict, or is published; one more after a blocked verdict, after a
    rollback withdrew its publication, and when what is published or begun is to be made in another mode. A
    generation keeps its mode: one that died is taken up as what it was.
    """
    rows = query(
        conn,
        """
        select attempt.generation,
            min(attempt.mode) as mode,
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
        return Generation(0, mode)
    newest = rows[0]
    is_withdrawn = newest["is_published"] and not newest["is_live"]
    is_other = mode != "changes" and (newest["is_published"] or mode != newest["mode"])
    if newest["is_blocked"] or is_withdrawn or is_other:
        return Generation(int(newest["generation"]) + 1, mode)
    return Generation(int(newest["generation"]), newest["mode"])


def start_attempt(
    conn: Connection, run: Run, epoch: int, digest: str, holder: Holder | str, *, mode: Mode = "changes"
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
                (run_key, attempt, pipeline, since, until, scope, generation, mode, branch, epoch, digest, holder)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                run.key,
                attempt,
                run.pipeline,
                run.interval.since,
                run.interval.until,
                run.scope,
                run.generation,
                mode,
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


def runs(conn: Connection, pipeline: str, limit: int = 20) -> list[RunState]:
    """Return the runs of a pipeline, the one that was tried last first."""
    rows = query(
        conn,
        "select run_key from calve.attempt where pipeline = %s group by run_key order by max(started_at) desc limit %s",
        (pipeline, limit),
    )
    found = (find_run(conn, row["run_key"]) for row in rows)
    return [state for state in found if state is not None]
