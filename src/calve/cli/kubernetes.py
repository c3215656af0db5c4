"""`calve manifest` and `calve triage`: what a cluster is given to do, and why it failed at it. They change nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from calve.cli.asking import made_again, request
from calve.kubernetes.deployment import load_deployment
from calve.kubernetes.evidence import Proof
from calve.kubernetes.facts import collect, open_cluster, read_proof
from calve.kubernetes.manifest import as_yaml, spark_application
from calve.kubernetes.triage import told
from calve.kubernetes.triage import triage as diagnose
from calve.planning import plan
from calve.settings import load_records_settings


@click.command()
@click.argument("pipeline")
@click.option("--interval", required=True, metavar="DAY[/DAY]", help="Which, e.g. 2026-01-02 or 2026-01-01/2026-01-05.")
@made_again
def manifest(pipeline: str, **asked: Any) -> None:
    """Print the SparkApplication that makes an interval of PIPELINE, for `kubectl apply -f -`.

    It is planned like `calve run` plans it, from the records; when there is nothing to do, nothing is printed and a
    line on standard error says so. Where it runs and as whom is said by the variables CALVE_KUBERNETES_….
    """
    from calve.cli.look import records

    deployment, wanted = load_deployment(), request((pipeline,), **asked)
    with records() as (_, project, conn):
        planned = plan(conn, project, wanted, datetime.now(UTC))
    if not planned:
        click.echo("nothing to do: everything asked for is published", err=True)
        return
    for each in planned:
        click.echo(as_yaml(spark_application(project, each, deployment)), nl=False)


@click.command()
@click.argument("name")
@click.option("--namespace", envvar="CALVE_KUBERNETES_NAMESPACE", required=True, help="[CALVE_KUBERNETES_NAMESPACE]")
@click.option(
    "--kubeconfig",
    envvar="CALVE_KUBERNETES_KUBECONFIG",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="[CALVE_KUBERNETES_KUBECONFIG, else in a pod its service account, else the one that kubectl takes]",
)
def triage(name: str, namespace: str, kubeconfig: Path | None) -> None:
    """Say why application NAME failed, and what to type to look further and to run it again.

    NAME as `kubectl get sparkapplications` shows it, or of a pod that ran a command. What can't be read, be it in the
    cluster or in the records, is named, and the rest said all the same.
    """
    click.echo(told(diagnose(collect(open_cluster(kubeconfig), name, namespace, prove=_proof))))


def _proof(run_key: str) -> Proof:
    return read_proof(load_records_settings(), run_key)
