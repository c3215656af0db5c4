"""`python -m calve.standin.kubernetes`: serve until stopped, and with `--run` run what is created."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from calve.errors import CalveError
from calve.standin.kubernetes.environment import local_environment
from calve.standin.kubernetes.runner import Place, Runner
from calve.standin.kubernetes.server import Server
from calve.standin.stopping import stop_on_signal


@click.command()
@click.option("--port", type=int, required=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--namespace", default="default", show_default=True, help="Where the runner looks.")
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="Folder that holds spark_apps/.")
@click.option("--run", is_flag=True, help="Run applications and pods as processes of this machine.")
@click.option("--python", default=sys.executable, help="Interpreter that has Spark; this one by default.")
@click.option("--logs", type=click.Path(path_type=Path), help="Folder for the pods' logs; STATE/log/pods by default.")
@click.option("--at-once", default=1, show_default=True, help="How many applications run at a time.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), required=True, help="File to write.")
def main(**given: object) -> None:
    """Serve the Kubernetes API that calve's operator uses, from memory."""
    try:
        _serve(**given)  # type: ignore[arg-type]  # click has checked them
    except CalveError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)


def _serve(*, project: Path, logs: Path | None, kubeconfig: Path, run: bool, **more: object) -> None:
    stop_on_signal()
    with ExitStack() as started:
        server = Server(str(more["namespace"]), int(str(more["port"])))
        if run:
            python, project = str(more["python"]), project.absolute()
            environment = local_environment(project, python)
            kept = logs or Path(environment["CALVE_STATE"]) / "log" / "pods"
            place = Place(project, kept.absolute(), environment, python)
            started.enter_context(Runner(server, place, int(str(more["at_once"]))))
        started.enter_context(server)
        server.write_kubeconfig(kubeconfig)
        click.echo(f"Kubernetes stand-in: {server.url}, namespace {server.namespace}, kubeconfig {kubeconfig}")
        sys.stdout.flush()
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
