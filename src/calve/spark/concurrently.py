"""Work at several things of one Spark session at a time: each is many small jobs, and leaves cores idle by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import TypeVar

from pyspark.sql import SparkSession

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


def as_needed(
    session: SparkSession,
    work: Callable[[K, Mapping[K, R]], R],
    needs: Mapping[K, Collection[K]],
    at_once: int,
) -> dict[K, R]:
    """Do the work of each name once that of all names that it needs is done, which it is given; return all of it.

    When one fails, those that had begun are waited for, no other is begun, and what it raised is raised.

    Args:
        needs: Of each name, in the order in which they are begun when nothing hinders it.
        at_once: So many at a time, at most.
    """
    done: dict[K, R] = {}
    order = TopologicalSorter(needs)
    order.prepare()
    ready: list[K] = []
    begun: dict[Future[R], K] = {}

    # A thread of Python has one of Java's for its own, which must be told the session.
    def tell_the_session() -> None:
        session._jvm.SparkSession.setActiveSession(session._jsparkSession)  # type: ignore[union-attr]

    with ThreadPoolExecutor(at_once, initializer=tell_the_session) as pool:
        while order.is_active():
            ready += order.get_ready()
            while ready and len(begun) < at_once:
                name = ready.pop(0)
                begun[pool.submit(work, name, dict(done))] = name
            for each in wait(begun, return_when=FIRST_COMPLETED).done:
                name = begun.pop(each)
                done[name] = each.result()
                order.done(name)
    return {name: done[name] for name in needs}
