"""SIGKILL before and after every effect of `calve.alerts`: each route is told, twice only where nobody can know."""

import multiprocessing
import os
import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from publishing import FAILED

import calve.alerts
from calve.alerts.delivery import deliver
from calve.alerts.kept import forget, raise_alert, recover
from calve.alerts.outbox import pending
from calve.alerts.routes import Routes
from calve.lake.records import connect
from calve.settings import RecordsSettings

SOURCE = Path(calve.alerts.__file__).parent
EFFECTS = sorted(
    {name for path in SOURCE.glob("*.py") for name in re.findall(r'effect\("([^"]+)"\)', path.read_text())}
)
POINTS = [f"{effect}:{moment}" for effect in EFFECTS for moment in ("before", "after")]


def tell(settings: RecordsSettings, routes: Routes, environment: dict[str, str], point: str = "") -> None:
    """Forget what is old, raise, deliver, recover, deliver; kill this process at a failpoint."""
    os.environ["CALVE_FAILPOINT"] = point
    with connect(settings) as conn:
        forget(conn)
        raise_alert(conn, FAILED)
        deliver(conn, routes, environment)
        recover(conn, "revenue", FAILED.interval)
        deliver(conn, routes, environment)


def test_the_effects_are_read_from_the_code():
    assert {f"alert.{verb}" for verb in ("raise", "recover", "route", "claim", "send", "record", "forget")} == set(
        EFFECTS
    )


@pytest.mark.parametrize("point", POINTS, ids=[point.replace(":", "-") for point in POINTS])
def test_every_route_is_told_of_opening_and_end(conn, settings, routes, environment, services, point):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=tell, args=(settings, routes, environment, point))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL

    # The claim of the dead runs out; then the cause is seen again, and ends.
    later = datetime.now(UTC) + timedelta(hours=2)
    raise_alert(conn, FAILED)
    deliver(conn, routes, environment, now=later)
    recover(conn, "revenue", FAILED.interval)
    deliver(conn, routes, environment, now=later + timedelta(hours=2))

    assert pending(conn) == []
    states = list(services.pagerduty.incidents.values())
    assert states == [["triggered", "resolved"]] * len(states)
    may_double = point in {"alert.send:after", "alert.record:before"}
    openings = len(states)
    for told in services.taken():
        assert told - 2 * openings in ((0, 1) if may_double else (0,))
