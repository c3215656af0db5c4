"""Wait in the records, without a worker: for a pipeline that is being made, or for those that it needs.

Promises to end: a lease that nobody renews runs out, and what is needed is waited for so long and no longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from calve.errors import LakeUnavailableError
from calve.lake.attempts import runs
from calve.lake.lease import holders
from calve.lake.ledger import coverage_end
from calve.lake.records import connect
from calve.settings import load_records_settings

POLL_SECONDS = 5.0


def stored(trigger: BaseTrigger, *fields: str) -> tuple[str, dict[str, Any]]:
    """Return a trigger's class and fields, as Airflow keeps them."""
    kind = type(trigger)
    return f"{kind.__module__}.{kind.__qualname__}", {name: getattr(trigger, name) for name in fields}


class FreeTrigger(BaseTrigger):
    """Wait until nobody holds the lease of a pipeline."""

    def __init__(self, pipeline: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.pipeline = pipeline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes an equal trigger in another process."""
        return stored(self, "pipeline")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield once, when it is free."""
        while not await _answer(lambda: _is_free(self.pipeline), default=False):
            await asyncio.sleep(POLL_SECONDS)
        yield TriggerEvent({"at": _stamp()})  # type: ignore[no-untyped-call]


class NeedsTrigger(BaseTrigger):
    """Wait until the needed pipelines are published up to an instant, or were blocked, or `patience_until` passed.

    Whatever it comes to, the pipeline that waited goes on, on the newest publications that there are: so does
    `calve run`.
    """

    def __init__(self, needs: list[str], until: str, patience_until: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.needs, self.until, self.patience_until = needs, until, patience_until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes an equal trigger in another process."""
        return stored(self, "needs", "until", "patience_until")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield once, with what each needed pipeline came to."""
        until = datetime.fromisoformat(self.until)
        found: dict[str, str] = {}
        while time.time() < self.patience_until:
            found = await _answer(lambda: {name: word_of(name, until) for name in self.needs}, default=found)
            if found and "missing" not in found.values():
                break
            await asyncio.sleep(POLL_SECONDS)
        yield TriggerEvent({"at": _stamp(), "found": found or dict.fromkeys(self.needs, "unknown")})  # type: ignore[no-untyped-call]


def word_of(pipeline: str, until: datetime) -> str:
    """Return `published` when the pipeline is up to an instant, `blocked` when its run for it is, else `missing`."""
    with connect(load_records_settings()) as conn:
        end = coverage_end(conn, pipeline)
        if end is not None and end >= until:
            return "published"
        newest = next(iter(runs(conn, pipeline, limit=1)), None)
        is_blocked = newest is not None and newest.word == "blocked" and newest.run.interval.until >= until
        return "blocked" if is_blocked else "missing"


def _is_free(pipeline: str) -> bool:
    with connect(load_records_settings()) as conn:
        return pipeline not in holders(conn)


async def _answer(ask: Any, *, default: Any) -> Any:
    try:
        return await asyncio.to_thread(ask)
    except LakeUnavailableError:
        return default


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
