"""What became of the pods of a namespace, as the API server told it, written down while tests go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from the_cluster import Cluster

from cluster.binary import kubernetes
from cluster.processes import Processes


class Watch:
    """Follows the pods of one namespace; its file is kept with the cluster's logs."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._name = f"watch-{namespace}"
        self._log = cluster.folder / f"{self._name}.log"
        self._processes = Processes(cluster.folder)
        config = f"--kubeconfig={cluster.commands.kubeconfig}"
        words = ["kubectl", config, "-n", namespace, "get", "pods", "--watch", "-o", "json"]
        self._processes.start(self._name, [str(kubernetes()), *words])

    def stop(self) -> None:
        self._processes.stop_all()

    def seconds_to(self, pipeline: str, role: str, since: datetime) -> float:
        """Return how long after an instant the first container of a pipeline's driver or executors ran."""
        started = [
            datetime.fromisoformat(status["state"]["running"]["startedAt"])
            for pod in self._pods()
            if (pod["metadata"]["labels"].get("calve.dev/pipeline"), pod["metadata"]["labels"].get("spark-role"))
            == (pipeline, role)
            for status in pod.get("status", {}).get("containerStatuses", [])
            if "running" in status["state"]
        ]
        return (min(each for each in started if each >= since) - since).total_seconds()

    def _pods(self) -> Iterator[dict[str, Any]]:
        text, reader = self._log.read_text(), json.JSONDecoder()
        at = 0
        while (at := text.find("{", at)) >= 0:
            try:
                found, at = reader.raw_decode(text, at)
            except json.JSONDecodeError:
                # The last one is being written.
                return
            yield from found["items"] if found["kind"] == "List" else [found]
