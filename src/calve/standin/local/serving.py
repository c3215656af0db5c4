"""How the Snowflake stand-in is started and asked how it is; its insides are `calve.standin.snowflake`."""

from __future__ import annotations

import sys
import urllib.request

from calve.standin.local.processes import HOST, Part
from calve.standin.local.state import State


def part(state: State, port: int, settings: dict[str, object]) -> Part:
    """Return how to start the stand-in on the store that these settings name."""
    command = [sys.executable, "-m", "calve.standin.snowflake", "--host", HOST, "--port", str(port)]
    command += ["--s3-endpoint", str(settings["s3_endpoint"]), "--state-dir", str(state.snowflake)]
    secrets = ("s3_access_key_id", "s3_secret_access_key", "snowflake_password")
    environment = {f"CALVE_{name.upper()}": str(settings[name]) for name in secrets}
    return Part(
        name="snowflake",
        port=port,
        command=command,
        variable="CALVE_LOCAL_PORT_SNOWFLAKE",
        environment=environment,
    )


def answers(port: int) -> bool:
    """Tell whether the stand-in says that it is well."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=3) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (OSError, ValueError):
        return False
