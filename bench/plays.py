"""Plays of what may happen to a task that runs a Spark application, alike for both operators.

Nothing here knows what an operator does in one: a play returns what was seen.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from driving import APPLICATIONS, RULE  # type: ignore[import-not-found]

from bench.driven import NAMESPACE, Scene, Step, again
from calve.standin.kubernetes.resources import APPLICATIONS as KIND

# How often a trigger may ask in vain before it counts as one that waits.
PATIENCE = 8
QUOTA = "pods is forbidden: exceeded quota: no-pods"


@dataclass(frozen=True)
class Outcome:
    """What a task came to.

    Attributes:
        tries: The word of each try: green, red, final.
        created: How many applications were made for it.
        live: How many of them still go on when it is over.
        said: What else matters here.
    """

    tries: tuple[str, ...]
    created: int = 1
    live: int = 0
    said: str = ""

    def __str__(self) -> str:
        words = [", then ".join(self.tries)] if self.tries else []
        words.append(f"{self.created} made" + (f", {self.live} left" if self.live else ""))
        return "; ".join([*words, *([self.said] if self.said else [])])


def seen(scene: Scene, said: str = "") -> Outcome:
    """Return what is to be seen now."""
    return Outcome(tuple(each.word for each in scene.ended), len(scene.made), scene.live(), said)


def publishes(scene: Scene) -> Step:
    """Let the driver publish the run and end well."""

    def step(name: str) -> None:
        if not scene.records.number:
            scene.records.publish()
        scene.play.end(name)

    return step


def ends(scene: Scene, code: int) -> Step:
    """Let the driver end with a code."""
    return lambda name: scene.play.end(name, code)


def state(scene: Scene, word: str) -> Step:
    """Put an application that has no driver into a state."""

    def edit(found: dict[str, Any]) -> None:
        # As the operator writes it when it begins anew with an application whose spec was changed.
        found["status"] = {"applicationState": {"state": ""}}

    if word:
        return lambda name: scene.play.set_application(name, word)
    return lambda name: scene.cluster.store.change(KIND, NAMESPACE, name, edit)


def runs_and_publishes(scene: Scene) -> Outcome:
    """Run, publish, end."""
    scene.run(appears=scene.play.run, waits=publishes(scene))
    return seen(scene)


def cleared(**stock: Any) -> Callable[[Scene], Outcome]:
    """Try 1 ends well and publishes nothing; only what comes of the try after the clear is looked at."""

    def play(scene: Scene) -> Outcome:
        scene.run(appears=scene.play.run, waits=ends(scene, 0), stock=stock)
        scene.ended.clear()
        scene.run(2, appears=scene.play.run, waits=publishes(scene), stock=stock)
        return seen(scene)

    return play


def never_starts(*, has_pod: bool) -> Callable[[Scene], Outcome]:
    """Stay without a driver, or with a pending one, beyond the time to start."""

    def play(scene: Scene) -> Outcome:
        queued = scene.play.submit if has_pod else state(scene, "SUBMITTED")
        limits = {"ours": {"start_seconds": 0.3}, "stock": {"startup_timeout_seconds": 0}}
        scene.run(appears=queued, **limits)
        return seen(scene)

    return play


def never_starts_and_is_tried_again(scene: Scene) -> Outcome:
    """Stay without a driver in try 1, and run in try 2."""
    never_starts(has_pod=False)(scene)
    scene.run(2, appears=scene.play.run, waits=publishes(scene))
    return seen(scene)


def in_state(word: str) -> Callable[[Scene], Outcome]:
    """Stay in a state, without a driver, until the task waits or gives up; if it waits, then run and publish."""

    def play(scene: Scene) -> Outcome:
        def go_on(name: str) -> None:
            # Whoever watches the application has seen its state; whoever asks for the pod may go on to.
            while not scene.cluster.asked("WATCH", APPLICATIONS):
                if scene.is_over.wait(0.02):
                    return
                if len(scene.cluster.asked("GET", f"/pods/{name}")) > PATIENCE:
                    break
            scene.play.run(name)
            publishes(scene)(name)

        scene.run(appears=state(scene, word), waits=go_on)
        return seen(scene)

    return play


def killed_while_deferred(scene: Scene) -> Outcome:
    """Kill the trigger of a task whose driver runs."""
    _, waiting = scene.submit(scene.context(), scene.play.run)
    asyncio.run(again(waiting.trigger).on_kill())
    drivers = len(scene.play.pods())
    return seen(scene, f"drivers left: {drivers}")


def killed_before_it_waits(scene: Scene) -> Outcome:
    """Tell the worker to end while it still has the task."""
    operator, _ = scene.submit(scene.context(), scene.play.run)
    operator.on_kill()
    return seen(scene)


def queues(scene: Scene) -> Outcome:
    """Look whether the worker is free while the application has no driver."""
    has_ended = threading.Event()

    def work() -> None:
        scene.submit(scene.context(), state(scene, "SUBMITTED"))
        has_ended.set()
        scene.cluster.store.ring()

    threading.Thread(target=work, daemon=True).start()
    scene.cluster.until(lambda: scene.cluster.asked("GET", "/status") or has_ended.is_set())
    is_free = has_ended.wait(2)
    # So that a worker that asks again comes to an end.
    scene.play.set_application(scene.newest(), "FAILED")
    return seen(scene, f"worker {'free' if is_free else 'held'} meanwhile")


def publishes_nothing(scene: Scene) -> Outcome:
    """End well, and publish nothing."""
    scene.run(appears=scene.play.run, waits=ends(scene, 0))
    return seen(scene)


def published_and_lost(scene: Scene) -> Outcome:
    """Publish, and let the operator lose the driver then."""

    def step(name: str) -> None:
        scene.records.publish()
        scene.play.lose_driver(name)

    scene.run(appears=scene.play.run, waits=step)
    return seen(scene)


def driver_deleted(scene: Scene) -> Outcome:
    """As in apache/airflow#41212: a person deletes the driver pod, and the application says COMPLETED."""

    def step(name: str) -> None:
        scene.play.remove_pod(f"{name}-driver")
        scene.play.set_application(name, "COMPLETED")

    scene.run(appears=scene.play.run, waits=step)
    return seen(scene)


def application_deleted(scene: Scene) -> Outcome:
    """Delete the application by hand."""
    scene.run(appears=scene.play.run, waits=scene.play.delete_application)
    return seen(scene)


def finished_unwatched(*, collected: bool) -> Callable[[Scene], Outcome]:
    """The application ends while no triggerer runs; its pod may be collected before one does."""

    def play(scene: Scene) -> Outcome:
        context = scene.context()
        waiting = scene.submit(context, scene.play.run)[1]
        publishes(scene)(scene.newest())
        if collected:
            scene.play.remove_pod(f"{scene.newest()}-driver")
        scene.follow(waiting, context)
        return seen(scene)

    return play


def labelled(scene: Scene) -> Outcome:
    """Look at the labels of an application that runs."""
    found: set[str] = set()

    def step(name: str) -> None:
        found.update((scene.play.application(name)["metadata"].get("labels") or {}).values())
        publishes(scene)(name)

    scene.run(appears=scene.play.run, waits=step)
    is_found = {"revenue", "make", "backfill__2026-01-02"} <= found
    return seen(scene, f"labels of the DAG run: {'yes' if is_found else 'no'}")


def named_driver(scene: Scene) -> Outcome:
    """Publish and end under a name that has `-driver` in it."""
    context, named = scene.context(dag_id="orders-driver-events"), {"name": "orders-driver-events"}
    waiting = scene.submit(context, scene.play.run, stock=named)[1]
    scene.follow(waiting, context, publishes(scene), stock=named)
    return seen(scene, strays(scene))


def strays(scene: Scene) -> str:
    """Say whether something was deleted that the task never made."""
    asked = {each.path.rpartition("/")[2] for each in scene.cluster.asked("DELETE", APPLICATIONS)}
    return "deletes another name" if asked - set(scene.made) else ""


def refused(**stock: Any) -> Callable[[Scene], Outcome]:
    """The quota lets no driver in; then it does, and the task is tried again."""

    def play(scene: Scene) -> Outcome:
        def refuse(name: str) -> None:
            scene.play.refuse(name, QUOTA)

        said = scene.run(appears=refuse, stock=stock).said
        scene.run(2, appears=scene.play.run, waits=publishes(scene), stock=stock)
        return seen(scene, f"names the quota: {'yes' if 'exceeded quota' in said else 'no'}")

    return play


def reply_lost(**fault: Any) -> Callable[[Scene], Outcome]:
    """The application is made, and the answer says it is not; whatever comes of it, there is a second try."""

    def play(scene: Scene) -> Outcome:
        scene.cluster.fault(method="POST", path=APPLICATIONS, applied=True, **fault)
        if scene.run(appears=scene.play.run, waits=publishes(scene)).word == "red":
            scene.run(2, appears=scene.play.run, waits=publishes(scene))
        return seen(scene)

    return play


def worker_killed(*, has_driver: bool) -> Callable[[Scene], Outcome]:
    """The worker dies after its POST, and Airflow starts another try."""

    def play(scene: Scene) -> Outcome:
        if not has_driver:
            # Else the provider's would not come back.
            scene.cluster.fault(method="POST", path=APPLICATIONS, applied=True, reset=True)
        scene.submit(scene.context(), scene.play.run if has_driver else state(scene, "SUBMITTED"))

        def step(name: str) -> None:
            scene.play.run(name)
            publishes(scene)(name)

        scene.run(2, appears=scene.play.run, waits=step)
        return seen(scene)

    return play


def blocked(scene: Scene) -> Outcome:
    """Let the audit block the run."""

    def step(name: str) -> None:
        scene.records.verdict("blocked", [RULE])
        scene.play.end(name, 65)

    said = scene.run(appears=scene.play.run, waits=step).said
    return seen(scene, f"names the rule: {'yes' if 'complete(facility_id)' in said else 'no'}")
