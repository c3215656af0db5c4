"""Make Snowflake serve exactly the newest publications of all pipelines, in one step that readers see.

Promises that LIVE is whole at any moment: it changes by one SWAP, after the idle schema was filled and read
back. A SWAP is never issued again; after an unknown reply what LIVE serves is read. Never serves what no record
names, and never goes back by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from calve.contract.project import Project
from calve.effects import effect
from calve.errors import LeaseHeldError, LeaseLostError, WarehouseStateError, WarehouseUnavailableError
from calve.lake.exposures import begin_exposure, end_exposure, last_epoch, served_exposures, swap_exposures
from calve.lake.lease import Held, held
from calve.lake.records import Connection
from calve.settings import Settings
from calve.warehouse.access import Access
from calve.warehouse.account import sessions
from calve.warehouse.connection import execute, refusal
from calve.warehouse.ddl import rename_schema, swap
from calve.warehouse.fill import fill, verify
from calve.warehouse.grants import all_readers
from calve.warehouse.idle import is_ours, provide_idle, take_idle
from calve.warehouse.names import LIVE, Names
from calve.warehouse.served import Served, iceberg_tables, read_served
from calve.warehouse.target import EXPOSER, Target, read_target
from calve.warehouse.views import read_views

logger = logging.getLogger(__name__)

EPOCHS_PER_EXPOSE = 3
LEASE_POLL_SECONDS = 0.5


class _TryAgainError(WarehouseUnavailableError):
    """This epoch came to nothing that readers saw; the next one starts from what LIVE serves."""


@dataclass(frozen=True)
class Exposure:
    """What Snowflake serves after an expose.

    Attributes:
        changed: Whether readers were switched over; False when LIVE served the target already.
        epoch: Of the filling that LIVE shows; 0 while nothing was ever published.
        publications: Publication number served of each pipeline.
        views: Views that were replaced or dropped.
        grants: What was granted and revoked, in words.
        kept: Tables without contract that stay until no view names them.
    """

    changed: bool
    epoch: int
    publications: Mapping[str, int]
    views: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def expose(settings: Settings, conn: Connection, project: Project) -> Exposure:
    """Make LIVE serve the newest publications, and REPORTING the views of the project.

    Doing it again changes nothing. An expose that died at any point is made good by the next one.

    Args:
        conn: To the records, in autocommit.

    Raises:
        SettingsError: Snowflake refuses user, password or role.
        WarehouseUnavailableError: Snowflake did not answer; LIVE is whole, old or new.
        WarehouseStateError: Snowflake shows other rows than were published; nothing was swapped.
        LeaseHeldError: Another exposer is at work, and has been for the length of a lease.
    """
    names = Names.of(settings)
    declared = read_views(project.folder / "iceberg" / "views")
    error: Exception | None = None
    for _ in range(EPOCHS_PER_EXPOSE):
        with sessions(settings, names, all_readers(project), "calve expose") as opened:
            access = Access(settings, project, names, declared, opened)
            exposer = _Exposer(settings, conn, project, names, access, opened.owner)
            try:
                return exposer.attempt()
            except (_TryAgainError, LeaseLostError) as again:
                logger.warning("expose starts over: %s", again)
                error = again
    msg = (
        f"expose: found LIVE not at its target after {EPOCHS_PER_EXPOSE} epochs, expected one to do; what it "
        f"serves is whole, run again later\n  {error}"
    )
    raise WarehouseUnavailableError(msg) from error


@dataclass(frozen=True)
class _Exposer:
    settings: Settings
    conn: Connection
    project: Project
    names: Names
    access: Access
    owner: SnowflakeConnection

    def attempt(self) -> Exposure:
        """Expose under one epoch, or find that there is nothing to do."""
        live = self._read_live()
        target = read_target(self.conn, self.project, keep=self._keep(live))
        if not target.tables:
            return Exposure(changed=False, epoch=0, publications={})
        if live is not None and live.serves(target) and self.access.is_current(live):
            return Exposure(False, live.epoch, target.numbers, kept=tuple(target.kept))
        provide_idle(self.owner, self.names)
        with _lease(self.settings) as lease:
            return self._expose(lease, target.protected)

    def _expose(self, lease: Held, protected: set[int]) -> Exposure:
        epoch = begin_exposure(self.conn, protected).epoch
        idle = take_idle(self.owner, self.names, epoch, is_newest=lambda: last_epoch(self.conn) == epoch)
        live = self._read_live()
        target = read_target(self.conn, self.project, keep=self._keep(live), epoch=lease.epoch)
        if not target.protected <= protected:
            msg = "expose: found a publication newer than the one it began with; it starts over with that one"
            raise _TryAgainError(msg)
        changed = live is None or not live.serves(target)
        granted: tuple[str, ...] = ()
        if changed:
            granted += self._fill(idle, target, epoch)
            lease.check()
            self._serve(idle, epoch, first=live is None)
            live = self._read_live()
        if live is None or not live.serves(target):
            msg = f"{LIVE}: found {live}, expected publications {dict(target.numbers)}; look who else swaps schemas"
            raise WarehouseStateError(msg)
        replaced, dressed = self.access.deploy(live)
        logger.info("exposed", extra={"epoch": live.epoch, "publications": dict(target.numbers)})
        return Exposure(changed, live.epoch, target.numbers, replaced, granted + dressed, tuple(target.kept))

    def _fill(self, idle: str, target: Target, epoch: int) -> tuple[str, ...]:
        """Fill and grant the idle schema, and compare both with the records and the contracts."""
        try:
            fill(self.owner, self.names, idle, target, epoch=epoch)
            verify(self.owner, self.names, idle, target)
            tables = frozenset(iceberg_tables(self.owner, self.names, idle))
            granted = self.access.grant(idle, tables)
            self.access.must_be_granted(idle, tables)
        except (ProgrammingError, WarehouseStateError) as error:
            if not is_ours(self.owner, self.names, epoch):
                msg = f"idle schema {idle}: found gone, expected to fill it; another exposer took over"
                raise LeaseLostError(msg) from error
            if isinstance(error, ProgrammingError):
                what = f"filling {idle}"
                raise refusal(what, error, advice="LIVE is unchanged, run again") from error
            raise
        return tuple(granted)

    def _serve(self, idle: str, epoch: int, *, first: bool) -> None:
        """Let readers see the idle schema; the only statement that changes what they see."""
        statement = rename_schema(self.names, idle, LIVE) if first else swap(self.names, idle)
        try:
            with effect("live.swap"):
                execute(self.owner, statement)
        except WarehouseUnavailableError as error:
            raise _TryAgainError(str(error)) from error
        except ProgrammingError as error:
            if is_ours(self.owner, self.names, epoch):
                raise refusal(statement, error, advice="LIVE is unchanged, run again") from error
            msg = f"{LIVE}: found schema {idle} gone, expected to swap it in; another exposer took over"
            raise LeaseLostError(msg) from error

    def _read_live(self) -> Served | None:
        """Read what LIVE serves, and make the records say so."""
        live = read_served(self.owner, self.names, LIVE)
        states = {record.epoch: record.state for record in served_exposures(self.conn)}
        found = states.get(live.epoch) if live else None
        if live and found == "filling":  # its exposer died after the SWAP, or has just made it
            end_exposure(self.conn, live.epoch)
        if live and found == "idle":  # a person swapped back
            swap_exposures(self.conn)
        return live

    def _keep(self, live: Served | None) -> dict[str, int]:
        """Return the tables of LIVE that deployed views name; they outlive their contract until the views change."""
        if live is None:
            return {}
        read = self.access.still_read()
        return {name: found for name, found in live.snapshots.items() if found is not None and name in read}


@contextmanager
def _lease(settings: Settings) -> Iterator[Held]:
    """Hold the exposers' lease; wait for another exposer for as long as a lease lives."""
    give_up_at = time.monotonic() + settings.lease_seconds
    while True:
        with ExitStack() as stack:
            try:
                lease = stack.enter_context(held(settings, EXPOSER, "expose"))
            except LeaseHeldError:
                if time.monotonic() > give_up_at:
                    raise
            else:
                yield lease
                return
        time.sleep(LEASE_POLL_SECONDS)
