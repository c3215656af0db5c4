"""kubectl and Helm, as a person types them, for the cluster of one kubeconfig."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.binary import helm, kubernetes

LONGEST_SECONDS = 900.0


@dataclass(frozen=True)
class Commands:
    """What a cluster is told by; a command that fails is raised with what it said."""

    kubeconfig: Path

    def kubectl(self, *words: str, given: str | None = None) -> str:
        """Run kubectl and return what it printed; `given` is its standard input."""
        return self._run([str(kubernetes()), "kubectl", *words], given)

    def helm(self, *words: str) -> str:
        """Run Helm and return what it printed."""
        return self._run([str(helm()), *words])

    def get(self, *words: str) -> dict[str, Any]:
        """Return one object, or a list of them with its `items`."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *words, "-o", "json"))
        return found

    def find(self, *words: str) -> dict[str, Any] | None:
        """Return one object, or nothing when it is not there."""
        told = self.kubectl("get", *words, "-o", "json", "--ignore-not-found")
        return json.loads(told) if told.strip() else None

    def apply(self, manifests: str) -> None:
        """Make objects as they are written."""
        self.kubectl("apply", "-f", "-", given=manifests)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process that talks to the cluster."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def _run(self, command: list[str], given: str | None = None) -> str:
        done = subprocess.run(
            command,
            env=self.environment,
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-3000:]
            msg = f"{' '.join([Path(command[0]).name, *command[1:6]])} ended with {done.returncode}; it said: {said}"
            raise RuntimeError(msg)
        return done.stdout
