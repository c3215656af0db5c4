"""Look at the records for what nobody reports: days that stay away, and alerts that are over.

Meant to be called every few minutes, by anybody, in any number of processes; `deliver` follows it.
"""

from __future__ import annotations

from datetime import datetime

from calve.alerts.joining import join
from calve.alerts.kept import raise_alert, recover_published
from calve.alerts.overdue import overdue
from calve.alerts.routes import Routes
from calve.contract.project import Project
from calve.lake.records import Connection


def watch(conn: Connection, project: Project, now: datetime, routes: Routes | None = None) -> tuple[int, int]:
    """Close what the records prove to be over, raise what is overdue; return how many recovered and are new.

    What is overdue for a reason that an open alert names joins that one, and is not new.

    Args:
        project: Only its pipelines count.
        routes: Say what a missed deadline weighs.
    """
    recovered, new, weigh = recover_published(conn), 0, routes or Routes()
    for alert in overdue(conn, project, now):
        if not join(conn, alert, weigh.severity_of(alert)):
            new += raise_alert(conn, alert)
    return recovered, new
