"""Names, labels and annotations of what calve creates in Kubernetes.

A label finds things and is cut to what Kubernetes takes; the annotation beside it holds the whole value.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from calve.runs import Run

PREFIX = "calve.dev/"
PIPELINE = PREFIX + "pipeline"
INTERVAL = PREFIX + "interval"
RUN = PREFIX + "run"
DIGEST = PREFIX + "contract-digest"
SPEC = PREFIX + "spec-digest"
OWNER = PREFIX + "owner"
DAG, TASK, DAG_RUN, MAP_INDEX, TRY = (PREFIX + part for part in ("dag", "task", "dag-run", "map-index", "try"))

# Room for what Spark and the operator append: `-driver`, `-ui-svc`, `-exec-123`, within 63 characters.
NAME_LENGTH = 42
_LABEL_LENGTH = 63


@dataclass(frozen=True)
class Origin:
    """The try of an Airflow task that asks.

    Attributes:
        map_index: -1 for a task that is not mapped.
        try_number: From 1; grows with each retry and clear.
    """

    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    try_number: int

    @property
    def name(self) -> str:
        """Return the name of what this try creates: the same whenever it asks, another for each try."""
        parts = "\0".join([self.dag_id, self.task_id, self.run_id, str(self.map_index)])
        return f"{_slug(self.dag_id, 16)}-{_slug(self.task_id, 10)}-{_hash(parts, 8)}-t{self.try_number}"

    @property
    def selector(self) -> str:
        """Return the label selector that finds what any try of this task instance created."""
        return ",".join(f"{key}={value}" for key, value in self._task_labels().items())

    def labels(self) -> dict[str, str]:
        """Return the labels of what this try creates."""
        return {**self._task_labels(), TRY: str(self.try_number)}

    def annotations(self) -> dict[str, str]:
        """Return the whole values of the labels that may be cut."""
        return {DAG: self.dag_id, TASK: self.task_id, DAG_RUN: self.run_id}

    def _task_labels(self) -> dict[str, str]:
        return {
            DAG: label(self.dag_id),
            TASK: label(self.task_id),
            DAG_RUN: label(self.run_id),
            MAP_INDEX: str(self.map_index) if self.map_index >= 0 else "none",
        }


def name_of_run(run: Run) -> str:
    """Return the name of an application that a person submits for a run."""
    return f"{_slug(run.pipeline, 16)}-{run.interval.compact[:8]}-{_hash(run.key, 8)}-g{run.generation}"


def run_labels(run: Run) -> dict[str, str]:
    """Return the labels that find what works for a run; the interval is compact, e.g. `20260102`."""
    return {PIPELINE: label(run.pipeline), INTERVAL: label(run.interval.compact), RUN: label(run.slug)}


def run_annotations(run: Run, digest: str) -> dict[str, str]:
    """Return the whole run key and interval, and the digest of the contracts."""
    return {INTERVAL: str(run.interval), RUN: run.key, DIGEST: digest}


def label(value: str) -> str:
    """Return a value that Kubernetes takes as a label: itself when it can be, else cut and told apart by a hash."""
    if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", value):
        return value
    kept = re.sub(r"[^A-Za-z0-9_.-]+", "_", value)[: _LABEL_LENGTH - 9].strip("_.-")
    return f"{kept}.{_hash(value, 8)}" if kept else _hash(value, 8)


def _slug(text: str, length: int) -> str:
    # `-driver` in a name makes the operator's clean-up look for another pod.
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-").replace("driver", "drv")[:length].strip("-")
    return found if found[:1].isalpha() else f"x{found}"[:length].strip("-")


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
