"""Look at the records for what nobody reports: days that stay away, and alerts that are over.

Meant to be called every few minutes, by anybody, in any number of processes; `deliver` follows it.
"""

from __future__ import annotations

from datetime import datetime

from calve.alerts.kept import raise_alert, recover_published
from calve.alerts.overdue import overdue
from calve.contract.project import Project
from calve.lake.records import Connection


def watch(conn: Connection, project: Project, now: datetime) -> tuple[int, int]:
    """Close what the records prove to be over, raise what is overdue; return how many recovered and are new."""
    recovered = recover_published(conn)
    return recovered, sum(raise_alert(conn, alert) for alert in overdue(conn, project, now))
