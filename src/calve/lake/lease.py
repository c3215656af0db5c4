"""Give the right to change a pipeline's tables to one holder at a time.

A lease has an epoch that grows with every holder. Whatever changes a record of the pipeline names its epoch in
the same transaction, so that a holder that slept through its lease changes nothing. Time is PostgreSQL's alone.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import DictRow

from calve.effects import effect
from calve.errors import LakeUnavailableError, LeaseHeldError, LeaseLostError
from calve.lake.records import Connection, Cursor, connect, query, transaction
from calve.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """A process that holds, or held, a lease.

    Attributes:
        process: Tells apart two processes of one pid: process id space of the machine, and its start.
    """

    host: str
    pid: int
    process: str

    @classmethod
    def here(cls) -> Holder:
        """Return this process."""
        return cls(socket.gethostname(), os.getpid(), f"{_pid_space()} {_started(os.getpid())}")

    def is_dead(self) -> bool:
        """Say whether the process is known to be over; False when it can't be seen from here."""
        here = Holder.here()
        space, _, started = self.process.rpartition(" ")
        if (self.host, space) != (here.host, here.process.rpartition(" ")[0]) or not space:
            return False
        return _started(self.pid) != started

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}"


@dataclass(frozen=True)
class Lease:
    """The right to change a pipeline's tables, for as long as its epoch is the newest."""

    pipeline: str
    epoch: int
    run_key: str
    holder: Holder
    since_at: datetime
    until_at: datetime


@dataclass(frozen=True)
class Held:
    """A lease that a heartbeat keeps alive."""

    lease: Lease
    lost: threading.Event

    @property
    def epoch(self) -> int:
        """Return the epoch to name in every effect."""
        return self.lease.epoch

    def check(self) -> None:
        """Raise `LeaseLostError` if somebody else took the lease."""
        if self.lost.is_set():
            raise _lost(self.lease.pipeline, self.lease.epoch)


def acquire(conn: Connection, pipeline: str, run_key: str, holder: Holder, seconds: float) -> Lease:
    """Take the lease when it is free, expired, or held by a process of this machine that is over.

    Raises:
        LeaseHeldError: Names the live holder.
    """
    dead_epoch = _epoch_of_dead_holder(conn, pipeline)
    with effect("lease.acquire"), transaction(conn) as cursor:
        row = cursor.execute(
            """
            insert into calve.lease as held
                (pipeline, epoch, run_key, host, pid, process, since_at, until_at)
            values (%(pipeline)s, 1, %(run_key)s, %(host)s, %(pid)s, %(process)s,
                clock_timestamp(), clock_timestamp() + make_interval(secs => %(seconds)s))
            on conflict (pipeline) do update set
                epoch = held.epoch + 1, run_key = excluded.run_key, host = excluded.host, pid = excluded.pid,
                process = excluded.process, since_at = excluded.since_at, until_at = excluded.until_at,
                released_at = null
            where held.released_at is not null or held.until_at < clock_timestamp()
                or held.epoch = %(dead_epoch)s
            returning *
            """,
            {
                "pipeline": pipeline,
                "run_key": run_key,
                "host": holder.host,
                "pid": holder.pid,
                "process": holder.process,
                "seconds": seconds,
                "dead_epoch": dead_epoch,
            },
        ).fetchone()
    if row is None:
        raise _held(conn, pipeline)
    return _lease(row)


def renew(conn: Connection, lease: Lease, seconds: float) -> None:
    """Prolong the lease; one that expired but that nobody took is still ours.

    Raises:
        LeaseLostError: Somebody else took it, or it was released.
    """
    with effect("lease.renew"), transaction(conn) as cursor:
        renewed = cursor.execute(
            "update calve.lease set until_at = clock_timestamp() + make_interval(secs => %s)"
            " where pipeline = %s and epoch = %s and released_at is null",
            (seconds, lease.pipeline, lease.epoch),
        ).rowcount
    if not renewed:
        raise _lost(lease.pipeline, lease.epoch)


def release(conn: Connection, lease: Lease) -> None:
    """Give the lease back; without effect when it is not ours any more."""
    with effect("lease.release"), transaction(conn) as cursor:
        cursor.execute(
            "update calve.lease set released_at = clock_timestamp() where pipeline = %s and epoch = %s",
            (lease.pipeline, lease.epoch),
        )


def require(cursor: Cursor, pipeline: str, epoch: int) -> None:
    """Raise `LeaseLostError` unless `epoch` holds; nobody can take the lease before this transaction ends."""
    row = cursor.execute(
        "select 1 from calve.lease where pipeline = %s and epoch = %s and released_at is null for share",
        (pipeline, epoch),
    ).fetchone()
    if row is None:
        raise _lost(pipeline, epoch)


def holders(conn: Connection) -> dict[str, Lease]:
    """Return the leases that are held now, by pipeline."""
    rows = query(
        conn, "select * from calve.lease where released_at is null and until_at >= clock_timestamp() order by 1"
    )
    return {row["pipeline"]: _lease(row) for row in rows}


@contextmanager
def held(settings: Settings, pipeline: str, run_key: str, holder: Holder | None = None) -> Iterator[Held]:
    """Hold the lease during a block; a heartbeat on a connection of its own keeps it alive."""
    with connect(settings) as conn:
        lease = acquire(conn, pipeline, run_key, holder or Holder.here(), settings.lease_seconds)
    found = Held(lease, threading.Event())
    over = threading.Event()
    beat = threading.Thread(target=_beat, args=(settings, found, over), name=f"lease {pipeline}", daemon=True)
    beat.start()
    try:
        yield found
    finally:
        over.set()
        beat.join()
        # A lease that can't be given back runs out by itself.
        with suppress(LakeUnavailableError), connect(settings) as conn:
            release(conn, lease)


def _beat(settings: Settings, found: Held, over: threading.Event) -> None:
    while not over.wait(settings.lease_seconds / 3):
        try:
            with connect(settings) as conn:
                renew(conn, found.lease, settings.lease_seconds)
        except LeaseLostError:
            logger.warning("lease lost", extra={"pipeline": found.lease.pipeline, "epoch": found.epoch})
            found.lost.set()
            return
        except LakeUnavailableError as error:
            logger.warning("lease not renewed: %s", error, extra={"pipeline": found.lease.pipeline})


def _epoch_of_dead_holder(conn: Connection, pipeline: str) -> int | None:
    for row in query(conn, "select * from calve.lease where pipeline = %s", (pipeline,)):
        lease = _lease(row)
        if lease.holder.is_dead():
            return lease.epoch
    return None


def _held(conn: Connection, pipeline: str) -> LeaseHeldError:
    rows = query(conn, "select * from calve.lease where pipeline = %s", (pipeline,))
    if not rows:
        return LeaseHeldError(f"lease of pipeline {pipeline}: taken and gone meanwhile; run again")
    lease = _lease(rows[0])
    msg = (
        f"pipeline {pipeline}: held by run {lease.run_key} on host {lease.holder.host}, pid {lease.holder.pid}, "
        f"since {lease.since_at:%Y-%m-%d %H:%M:%S} until {lease.until_at:%Y-%m-%d %H:%M:%S} UTC, expected "
        "nobody; wait for that run, or end that process and run again"
    )
    return LeaseHeldError(msg)


def _lost(pipeline: str, epoch: int) -> LeaseLostError:
    msg = (
        f"pipeline {pipeline}: lease epoch {epoch} is over, expected it to be the newest; another run took "
        "over or it was released: this one changed nothing more, look at `calve status` and run again"
    )
    return LeaseLostError(msg)


def _lease(row: DictRow) -> Lease:
    holder = Holder(row["host"], row["pid"], row["process"])
    return Lease(row["pipeline"], row["epoch"], row["run_key"], holder, row["since_at"], row["until_at"])


def _pid_space() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return the start of a live process in clock ticks since boot; None when it is over."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
