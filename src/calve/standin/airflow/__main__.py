"""`python -m calve.standin.airflow`: start the real Airflow over the local engine; Ctrl-C ends it.

With words, they are given to Airflow's own command, in the environment of the one that runs.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

import click

from calve.errors import CalveError, LocalEngineError, SettingsError
from calve.standin.airflow.components import Component, Components
from calve.standin.airflow.home import NAMESPACE, USER, Home, find_home, running_home
from calve.standin.airflow.preparing import FILLED_UNTIL, prepare
from calve.standin.airflow.rest import RefusedError, Rest
from calve.standin.stopping import stop_on_signal

CLUSTER = "kubernetes-stand-in"
START_SECONDS = 300.0
# As in calve.airflow.dags, which imports Airflow: the extraction of one pipeline at a time, and one more by hand.
SOURCE_POOL, SOURCE_SLOTS = "calve_source", 2


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def main(words: tuple[str, ...]) -> None:
    """Start Airflow over the local engine, with what is missing, and stay until Ctrl-C.

    The UI's port is CALVE_AIRFLOW_PORT, else the first free one from 8080. An empty source is filled with the demo's
    first 400 days (SCALE, as in `make demo`).

    WORDS are given to the `airflow` command of the Airflow that runs, e.g. `dags trigger revenue`.
    """
    try:
        if words:
            sys.exit(_airflows_command(words))
        stop_on_signal()
        _serve(find_home(os.environ))
    except CalveError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)


def _serve(home: Home) -> None:
    with _alone(home):
        prepare(home, _say)
        components = Components(home.state, _say)
        airflow = _airflow(home)
        try:
            components.start(_cluster(home))
            for component in airflow:
                components.start(component)
            rest = Rest(home.url, USER, home.secrets()["password"])
            _wait_ready(home, components, rest)
            _make_pool(rest)
            click.echo(_welcome(home))
            sys.stdout.flush()
            while True:
                components.revive()
        finally:
            _say("ending Airflow")
            components.stop([one.name for one in airflow])
            # Last: what Airflow still removes while it ends, is removed here.
            components.stop([CLUSTER])


def _airflows_command(words: tuple[str, ...]) -> int:
    """Give words to Airflow's own command and return its exit code.

    Raises:
        LocalEngineError: No Airflow runs here.
    """
    home = running_home(os.environ)
    with suppress(LocalEngineError), _alone(home):
        msg = f"Airflow: found none that runs on {home.state.root}, expected one; start it with `make airflow`"
        raise SettingsError(msg)
    command = [str(home.python), "-m", "airflow", *words]
    return subprocess.run(command, env=home.environment(os.environ), check=False).returncode  # noqa: S603


def _cluster(home: Home) -> Component:
    """Return the stand-in for Kubernetes, which runs applications with this interpreter."""
    command = [sys.executable, "-m", "calve.standin.kubernetes", "--run", "--port", str(home.cluster_port)]
    command += ["--namespace", NAMESPACE, "--project", str(home.project), "--kubeconfig", str(home.kubeconfig)]
    command += ["--logs", str(home.state.root / "log" / "pods")]
    return Component(CLUSTER, command, {**os.environ, "CALVE_STATE": str(home.engine.root), "CALVE_PROFILE": "local"})


def _airflow(home: Home) -> list[Component]:
    environment = home.environment(os.environ)
    program = [str(home.python), "-m", "airflow"]
    # Their logs are in one folder with the api-server's: nobody has to serve them.
    words = (["api-server"], ["scheduler", "--skip-serve-logs"], ["dag-processor"], ["triggerer", "--skip-serve-logs"])
    return [Component(word[0], [*program, *word], environment) for word in words]


def _wait_ready(home: Home, components: Components, rest: Rest) -> None:
    """Wait until every component says that it is well and the DAGs are known.

    Raises:
        LocalEngineError: They are not in time.
    """
    wanted = sorted(file.stem for file in (home.project / "dags").glob("*.py"))
    until = time.monotonic() + START_SECONDS
    _say(f"waiting for Airflow's components; their logs are in {home.state.root / 'log'}")
    while time.monotonic() < until:
        components.revive(0.5)
        with suppress(OSError, RefusedError):
            health = rest("GET", "/monitor/health")
            well = {name: part.get("status") for name, part in health.items() if part.get("status") is not None}
            known = {dag["dag_id"] for dag in rest("GET", "/dags")["dags"]}
            if len(well) >= len(_airflow(home)) and set(well.values()) == {"healthy"} and known >= set(wanted):
                return
    msg = f"Airflow: not ready within {START_SECONDS:.0f} s, expected DAGs {', '.join(wanted)}; look at its logs in "
    raise LocalEngineError(msg + str(home.state.root / "log"))


def _make_pool(rest: Rest) -> None:
    """Make the pool of the source's slots; one that is there stays as somebody made it."""
    pool = {"name": SOURCE_POOL, "slots": SOURCE_SLOTS, "include_deferred": True}
    try:
        rest("POST", "/pools", {**pool, "description": "Extractions from the source database; those that wait count."})
    except RefusedError as refused:
        if refused.status != HTTPStatus.CONFLICT:
            raise


def _welcome(home: Home) -> str:
    interval = f"2025-01-01/{FILLED_UNTIL}"
    return "\n".join(
        (
            "",
            f"Airflow   {home.url}",
            f"login     user {USER}, password {home.secrets()['password']}",
            f"run       open the DAG reference, press Trigger, enter the interval {interval}; then revenue",
            "          nothing runs by the clock here, the source ends on its last filled day; see docs/airflow.md",
            f"logs      {home.state.root / 'log'}",
            "end       Ctrl-C; what runs then is made again at the next start. The local engine stays up:",
            "          `calve local down` ends it",
        )
    )


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    home.state.root.mkdir(parents=True, exist_ok=True)
    with (home.state.root / "running.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"Airflow: one runs already on {home.state.root}, expected none; end it first with Ctrl-C"
            raise LocalEngineError(msg) from error
        yield


def _say(text: str) -> None:
    click.echo(f"airflow: {text}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
