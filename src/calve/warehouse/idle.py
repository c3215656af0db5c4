"""The idle schema and its epoch: the fence between an exposer and one that sleeps.

An exposer gets its idle schema only by renaming one that it saw after its epoch began; its successor renames or
drops every idle schema that it sees. So a sleeper's statements, its SWAP among them, name a schema that is gone.
Nobody swaps in a schema that it created itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from calve.effects import effect
from calve.errors import LeaseLostError, WarehouseStateError
from calve.warehouse.connection import execute
from calve.warehouse.ddl import rename_schema
from calve.warehouse.names import Names, idle_schema
from calve.warehouse.served import idle_epochs

logger = logging.getLogger(__name__)

_TRIES = 5


def provide_idle(conn: SnowflakeConnection, names: Names) -> None:
    """Make sure that an idle schema exists, under the epoch 0 that belongs to nobody. Needs no lease."""
    if not idle_epochs(conn, names):
        with effect("idle.create"):
            execute(conn, f"CREATE SCHEMA IF NOT EXISTS {names.schema(idle_schema(0))}")


def take_idle(conn: SnowflakeConnection, names: Names, epoch: int, *, is_newest: Callable[[], bool]) -> str:
    """Rename the idle schema to our epoch and return its name; further ones are dropped.

    Args:
        is_newest: Whether the records gave out no epoch after ours, asked when Snowflake shows a later one.

    Raises:
        LeaseLostError: Another exposer took it, or the first LIVE was made of it; nothing was changed.
        WarehouseStateError: Snowflake knows a later epoch than the records give out.
    """
    for _ in range(_TRIES):
        epochs = idle_epochs(conn, names)
        if not epochs:
            msg = f"idle schema of {names.database}: found none, expected the one just provided; run again"
            raise LeaseLostError(msg)
        newest, *others = epochs
        if newest > epoch:
            if is_newest():
                raise _ahead(names, newest, epoch)
            msg = f"idle schema of {names.database}: found epoch {newest}, expected ours, {epoch}; run again"
            raise LeaseLostError(msg)
        for other in others:
            with effect("idle.drop"):
                execute(conn, f"DROP SCHEMA IF EXISTS {names.schema(idle_schema(other))} CASCADE")
        try:
            with effect("idle.take"):
                execute(conn, rename_schema(names, idle_schema(newest), idle_schema(epoch)))
        except ProgrammingError as error:
            logger.info("idle schema moved meanwhile: %s", error, extra={"epoch": epoch})
            continue
        return idle_schema(epoch)
    msg = f"idle schema of {names.database}: found it moving {_TRIES} times, expected to take it; run again"
    raise LeaseLostError(msg)


def is_ours(conn: SnowflakeConnection, names: Names, epoch: int) -> bool:
    """Say whether the idle schema still carries our epoch."""
    return epoch in idle_epochs(conn, names)


def _ahead(names: Names, found: int, epoch: int) -> WarehouseStateError:
    name = names.schema(idle_schema(found))
    msg = (
        f"idle schema {name}: found epoch {found}, expected at most {epoch}, the newest in the records. They were "
        f"restored from an older backup, or belong to another installation; when no other exists, drop {name}"
    )
    return WarehouseStateError(msg)
