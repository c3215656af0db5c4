"""What the runner's processes get as their environment: that of the profile `local`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from calve.errors import LocalEngineError

# Asked of the interpreter that has Spark: only there is it known where Spark is.
_ASK = (
    "import json; from calve.running import driver_environment; from calve.settings import load_settings; "
    "print(json.dumps(driver_environment(load_settings())))"
)


def local_environment(project: Path, python: str) -> dict[str, str]:
    """Return the variables with which `python` runs the project's driver on the local engine.

    Raises:
        LocalEngineError: That interpreter has no Spark, or there is no local engine; tells what it said.
    """
    chosen = {"CALVE_PROFILE": "local", "CALVE_PROJECT": str(project)}
    state = os.environ.get("CALVE_STATE", ".calve")
    given = {**os.environ, **chosen, "CALVE_STATE": str(Path(state).absolute())}
    done = subprocess.run([python, "-c", _ASK], env=given, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-6:]
        lines = "\n".join(f"  {line}" for line in said)
        msg = (
            f"Kubernetes stand-in: {python} does not know how to run a driver, it says\n{lines}\n"
            "run `make setup` and `calve local up`, or name the interpreter that has Spark with --python"
        )
        raise LocalEngineError(msg)
    found: dict[str, str] = json.loads(done.stdout)
    return found
