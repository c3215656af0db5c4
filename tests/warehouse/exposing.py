"""Expose in a process of its own that kills itself at a failpoint."""

from __future__ import annotations

import multiprocessing
import os

from calve.contract.project import Project
from calve.lake.records import connect
from calve.settings import Settings
from calve.warehouse.expose import expose

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["calve.warehouse.expose"])
WITHIN_SECONDS = 120


def expose_until(point: str, settings: Settings, project: Project) -> int | None:
    """Expose until the process passes `point`; its exit code, -9 when it was killed there."""
    process = _FORKS.Process(target=_expose, args=(point, settings, project))
    process.start()
    process.join(WITHIN_SECONDS)
    return process.exitcode


def _expose(point: str, settings: Settings, project: Project) -> None:
    os.environ["CALVE_FAILPOINT"] = point
    with connect(settings) as conn:
        expose(settings, conn, project)
