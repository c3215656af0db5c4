"""Say which stages of Spark waited for one slow task; triage finds these lines in the driver's log.

Work is told apart by Spark's job groups, which its UI shows too. The times are those of Spark's own status store:
`TaskMetricDistributions.executorRunTime`, over the tasks of a stage that succeeded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from pyspark.sql import SparkSession

SLOW_SECONDS = 60.0
TIMES = 5.0
_MEDIAN_AND_MOST = (0.5, 1.0)
_numbers = itertools.count(1)


def name_work(session: SparkSession, what: str) -> str:
    """Give the jobs that this thread starts from now on a name; return their group."""
    group = f"calve-{next(_numbers)}"
    session.sparkContext.setJobGroup(group, what)
    return group


def skewed_stages(session: SparkSession, group: str, *, slow_seconds: float = SLOW_SECONDS) -> Iterator[str]:
    """Yield a line for each stage of the group whose slowest task took long, and five times as long as the median."""
    context = session.sparkContext
    store, tracker = context._jsc.sc().statusStore(), context.statusTracker()
    wanted = context._gateway.new_array(context._gateway.jvm.double, 2)  # type: ignore[union-attr]
    wanted[0], wanted[1] = _MEDIAN_AND_MOST
    for job in sorted(tracker.getJobIdsForGroup(group)):
        info = tracker.getJobInfo(job)
        for stage in sorted(info.stageIds) if info else ():
            summary = store.taskSummary(stage, 0, wanted)
            if summary.isEmpty():
                continue
            median, most = (summary.get().executorRunTime().apply(place) / 1000 for place in (0, 1))
            if most >= slow_seconds and most >= TIMES * median:
                yield f"stage {stage}: its slowest task took {most:,.1f} s, half of them at most {median:,.1f} s"
