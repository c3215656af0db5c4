"""One cluster for this folder, with the Spark operator and calve in the namespaces `calve-dev` and `calve-prod`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from proven import DEV, FILLED, LINES, PROD, WEEK, prove
from the_cluster import ROOT, Cluster, running
from the_release import ADMINISTER, DagRun, Release, install_operator, make_namespace
from watching import Watch

sys.path.insert(0, str(ROOT))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was proven."""
    if LINES:
        terminalreporter.section("end to end")
        for line in LINES:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def cluster(engine, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster with nothing of ours in it."""
    begun = time.monotonic()
    with running(engine, lambda: request.session.testsfailed > 0) as found:
        prove("a cluster with the images, until pods run and find services by name", time.monotonic() - begun)
        yield found


@pytest.fixture(scope="session")
def operator(cluster: Cluster) -> Cluster:
    """The cluster with both namespaces and the Spark operator."""
    for name in (DEV, PROD):
        make_namespace(cluster, name)
    begun = time.monotonic()
    install_operator(cluster, [DEV, PROD])
    prove("the operator's chart installed with our values and ready", time.monotonic() - begun)
    return cluster


@pytest.fixture(scope="session")
def dev(operator: Cluster) -> Iterator[Release]:
    """calve in `calve-dev`, with a source that is filled."""
    found, begun = Release(operator, DEV), time.monotonic()
    found.install()
    prove("charts/calve installed and ready: Airflow, and the development parts", time.monotonic() - begun)
    found.in_a_pod("administer", "python", "-c", ADMINISTER)
    found.source("fill", "--scale", "0.05", "--until", FILLED)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def watch(dev: Release) -> Iterator[Watch]:
    """Follows the pods of `calve-dev`."""
    found = Watch(dev.cluster, dev.namespace)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def reference(dev: Release, watch: Watch) -> DagRun:
    """The pipeline `reference`, run to its end."""
    run = dev.trigger("reference", WEEK)
    run.until_over()
    (application,) = run.applications()
    begun = datetime.fromisoformat(application["metadata"]["creationTimestamp"])
    for role in ("driver", "executor"):
        prove(f"from SparkApplication to {role} running", watch.seconds_to("reference", role, begun))
    ended = datetime.fromisoformat(application["status"]["terminationTime"])
    prove("from SparkApplication to its end, published", (ended - begun).total_seconds())
    prove("from trigger to served", (datetime.now(UTC) - run.begun).total_seconds())
    return run
