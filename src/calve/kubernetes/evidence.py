"""What is known of an application: facts as the cluster and the records gave them, and what can be read off them.

Pure. Dictionaries have the shape of the Kubernetes API's JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from calve.errors import CalveError
from calve.kubernetes.driver_log import exceptions, said_by_calve, skewed
from calve.kubernetes.names import RUN
from calve.kubernetes.states import exit_code_of, is_leaving, is_over, pod_of, state_of
from calve.runs import Run

Json = dict[str, Any]
Cause = Literal[
    "published",
    "running",
    "audit-blocked",
    "wrong-input",
    "contract-mismatch",
    "lease-held",
    "lease-lost",
    "driver-out-of-memory",
    "executor-out-of-memory",
    "executor-lost",
    "image",
    "configuration",
    "unschedulable",
    "quota",
    "evicted",
    "submission-failed",
    "operator-silent",
    "driver-gone",
    "deleted",
    "store-refused",
    "source-unreachable",
    "catalog-unreachable",
    "deadline",
    "temporary",
    "unproven",
    "unknown",
]


@dataclass(frozen=True)
class Proof:
    """What the records say of a run.

    Attributes:
        publication: Its number; None when the run is not published.
        blocked: A line for each rule that blocked it.
        holder: Who holds the pipeline's lease now, and for which run.
        last_good: The newest publication of the pipeline.
    """

    run_key: str
    publication: int | None = None
    blocked: tuple[str, ...] = ()
    holder: str = ""
    last_good: str = ""


@dataclass(frozen=True)
class Facts:
    """All that is known of an application, or of a pod that ran a command.

    Attributes:
        application: None when the cluster has none of this name.
        driver: Pod of the driver, or the pod itself.
        events: Of the application and its pods, oldest first.
        log: Last lines of the driver.
        proof: None when the records could not be read, or the application names no run.
        deadline: Which limit passed while somebody waited for it, e.g. `6 h to run`; empty for none.
        unreadable: What could not be read, e.g. `events: Forbidden`; its field is empty then.
    """

    name: str
    namespace: str
    looked_at: datetime
    application: Json | None = None
    driver: Json | None = None
    executors: tuple[Json, ...] = ()
    events: tuple[Json, ...] = ()
    quotas: tuple[Json, ...] = ()
    log: tuple[str, ...] = ()
    proof: Proof | None = None
    deadline: str = ""
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What one rule found. `look` are commands beside those that every diagnosis has."""

    cause: Cause
    sentence: str
    is_retryable: bool
    details: tuple[str, ...] = ()
    look: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What the facts come to, read once for all rules."""

    facts: Facts

    @cached_property
    def state(self) -> str:
        """State of the application, or phase of the pod."""
        return state_of(self.facts.application) if self.facts.application else ""

    @cached_property
    def error(self) -> str:
        """What the operator says."""
        status = (self.facts.application or {}).get("status") or {}
        return str((status.get("applicationState") or {}).get("errorMessage") or status.get("message") or "")

    @cached_property
    def is_pod(self) -> bool:
        """Whether it is a pod that ran a command."""
        return (self.facts.application or {}).get("kind") == "Pod"

    @cached_property
    def kind(self) -> str:
        """Word for it in commands."""
        return "pod" if self.is_pod else "sparkapplication"

    @cached_property
    def process(self) -> str:
        """Word for what ran."""
        return "command" if self.is_pod else "driver"

    @cached_property
    def is_live(self) -> bool:
        """Whether it may still come to its end by itself."""
        found = self.facts.application
        return found is not None and not is_over(found) and not found["metadata"].get("deletionTimestamp")

    @cached_property
    def is_leaving(self) -> bool:
        """Whether it, or its driver, was deleted and is on its way out."""
        return any(each is not None and is_leaving(each) for each in (self.facts.application, self.facts.driver))

    @cached_property
    def ended(self) -> Json:
        """How the driver's container ended: `exitCode`, `reason`; empty when nobody says it."""
        return next(terminated(self.facts.driver), {}) if self.facts.driver else {}

    @cached_property
    def exit_code(self) -> int | None:
        """Exit code of the driver: of its container, else of the operator's message."""
        if self.ended:
            return int(self.ended["exitCode"])
        return exit_code_of(self.facts.application) if self.facts.application else None

    @cached_property
    def said(self) -> tuple[str, ...]:
        """Calve's own last message."""
        return said_by_calve(self.facts.log)

    @cached_property
    def saying(self) -> str:
        """Calve's own last message as one text."""
        return "\n".join(self.said)

    @cached_property
    def exceptions(self) -> tuple[str, ...]:
        """Why Spark or Python gave up, deepest first."""
        return exceptions(self.facts.log)

    @cached_property
    def skewed(self) -> tuple[str, ...]:
        """Stages that waited for one slow task."""
        return skewed(self.facts.log)

    @cached_property
    def run(self) -> Run | None:
        """The run that it works for."""
        annotations = (self.facts.application or {}).get("metadata", {}).get("annotations") or {}
        try:
            return Run.parse(self.facts.proof.run_key if self.facts.proof else annotations.get(RUN, ""))
        except CalveError:
            return None

    @cached_property
    def pod(self) -> str:
        """Name of the driver's pod."""
        return pod_of(self.facts.application) if self.facts.application else f"{self.facts.name}-driver"

    @cached_property
    def age_seconds(self) -> float:
        """Seconds since it was created."""
        made = str((self.facts.application or {}).get("metadata", {}).get("creationTimestamp") or "")
        return (self.facts.looked_at - instant(made)).total_seconds() if made else 0.0

    def kubectl(self, words: str) -> str:
        """Return a command of kubectl in the application's namespace."""
        return f"kubectl -n {self.facts.namespace} {words}"

    def could_read(self, part: str) -> bool:
        """Tell whether an empty part is empty, and not unread."""
        return not any(line.startswith(part) for line in self.facts.unreadable)


def instant(text: str) -> datetime:
    """Read an instant as Kubernetes writes it."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def terminated(pod: Json) -> Iterator[Json]:
    """Yield how the containers of a pod ended."""
    for container in (pod.get("status") or {}).get("containerStatuses") or []:
        for state in (container.get("state") or {}, container.get("lastState") or {}):
            if state.get("terminated"):
                yield state["terminated"]


def waiting(pod: Json) -> Iterator[Json]:
    """Yield what the containers of a pod wait for: `reason`, `message`."""
    status = pod.get("status") or {}
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        if found := (container.get("state") or {}).get("waiting"):
            yield found


def conditions(pod: Json, kind: str, value: str) -> Iterator[Json]:
    """Yield the conditions of a pod of one type and status."""
    for each in (pod.get("status") or {}).get("conditions") or []:
        if (each.get("type"), each.get("status")) == (kind, value):
            yield each
