"""What may happen to a task that runs a Spark application, and what the task should come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench import plays
from bench.driven import Scene
from bench.plays import Outcome


@dataclass(frozen=True)
class Situation:
    """Something that happens.

    Attributes:
        name: What a test of it is called.
        what: As the table says it.
    """

    name: str
    what: str
    should: Outcome
    play: Callable[[Scene], Outcome]


GREEN, RED, FINAL = ("green",), ("red",), ("final",)
RETRIED = ("red", "green")
NO_STATES = ("", "SUBMISSION_FAILED", "PENDING_RERUN", "INVALIDATING", "SUSPENDED")
KEPT = {"delete_on_termination": False}

SITUATIONS = (
    Situation("well", "all is well", Outcome(GREEN), plays.runs_and_publishes),
    Situation(
        "cleared, applications kept",
        "nothing was published, the task is cleared; applications are kept (`delete_on_termination=False`)",
        Outcome(GREEN, created=2),
        plays.cleared(**KEPT),
    ),
    Situation(
        "cleared, pods kept",
        'the same, with `on_finish_action="keep_pod"`',
        Outcome(GREEN, created=2),
        plays.cleared(**KEPT, on_finish_action="keep_pod"),
    ),
    Situation(
        "cleared", "the same, with the defaults: applications are deleted", Outcome(GREEN, created=2), plays.cleared()
    ),
    Situation("no driver", "no driver within the time to start", Outcome(RED), plays.never_starts(has_pod=False)),
    Situation("driver pending", "a driver that is pending as long", Outcome(RED), plays.never_starts(has_pod=True)),
    Situation(
        "retry without driver",
        "no driver within the time to start, then a retry",
        Outcome(RETRIED, created=2),
        plays.never_starts_and_is_tried_again,
    ),
    *(
        Situation(
            f"state {word or 'empty'}",
            f"no driver yet, state `{word or chr(34) * 2}`",
            Outcome(GREEN),
            plays.in_state(word),
        )
        for word in NO_STATES
    ),
    Situation("queued", "it queues for its driver", Outcome((), said="worker free meanwhile"), plays.queues),
    Situation(
        "killed while deferred",
        "marked failed while it is deferred",
        Outcome((), said="drivers left: 0"),
        plays.killed_while_deferred,
    ),
    Situation(
        "killed before it waits",
        "the worker is told to end before it deferred",
        Outcome(()),
        plays.killed_before_it_waits,
    ),
    Situation(
        "nothing published", "the driver ends with 0, nothing is published", Outcome(RED), plays.publishes_nothing
    ),
    Situation(
        "lost after the publication",
        "published, then the operator loses the driver (spark-operator#2755)",
        Outcome(GREEN),
        plays.published_and_lost,
    ),
    Situation(
        "driver deleted",
        "the driver pod is deleted, the application says COMPLETED (airflow#41212)",
        Outcome(RED),
        plays.driver_deleted,
    ),
    Situation("application deleted", "a person deletes the application", Outcome(RED), plays.application_deleted),
    Situation(
        "finished unwatched",
        "it ends while no triggerer runs",
        Outcome(GREEN),
        plays.finished_unwatched(collected=False),
    ),
    Situation(
        "finished and collected",
        "the same, and its pod is collected meanwhile",
        Outcome(GREEN),
        plays.finished_unwatched(collected=True),
    ),
    Situation(
        "audit blocks",
        "the audit blocks the run, exit code 65",
        Outcome(FINAL, said="names the rule: yes"),
        plays.blocked,
    ),
    Situation(
        "labels",
        "people look for a DAG run's application",
        Outcome(GREEN, said="labels of the DAG run: yes"),
        plays.labelled,
    ),
    Situation("named driver", "a name with `-driver` in it", Outcome(GREEN), plays.named_driver),
    Situation(
        "quota",
        "a quota of zero, then a retry",
        Outcome(RETRIED, created=2, said="names the quota: yes"),
        plays.refused(),
    ),
    Situation(
        "quota, fixed name",
        "the same, with a fixed name (`random_name_suffix=False`)",
        Outcome(RETRIED, created=2, said="names the quota: yes"),
        plays.refused(random_name_suffix=False),
    ),
    Situation("reply lost", "made, but the POST is answered 503", Outcome(GREEN), plays.reply_lost(status=503)),
    Situation(
        "connection lost", "made, but the POST's connection is reset", Outcome(GREEN), plays.reply_lost(reset=True)
    ),
    Situation(
        "worker killed",
        "the worker is killed while the driver runs, then a retry",
        Outcome(GREEN),
        plays.worker_killed(has_driver=True),
    ),
    Situation(
        "worker killed early",
        "the worker is killed before there is a driver, then a retry",
        Outcome(GREEN),
        plays.worker_killed(has_driver=False),
    ),
)
