"""`calve validate | diff | docs | schema | new`: what can be said and written from the contracts alone.

Needs no connection, no setting but the project's folder, and starts no Spark.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from calve.alerts.routes import examine_routes
from calve.alerts.schema import SCHEMAS
from calve.cli.reference import write_commands
from calve.contract.differences import difference_table, differences
from calve.contract.loader import examine, load_project
from calve.contract.mistakes import Mistake, report
from calve.contract.project import Project
from calve.contract.scaffold import new_dataset
from calve.contract.schema import write_schemas
from calve.errors import EX_DATAERR
from calve.report.dictionary import write_dictionary
from calve.report.settings_page import write_settings

_FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
_project = click.option(
    "--project",
    "folder",
    type=_FOLDER,
    envvar="CALVE_PROJECT",
    default=Path(),
    help="Folder that holds iceberg/ and spark_apps/ [CALVE_PROJECT, else here].",
)


@click.command()
@_project
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.pass_context
def validate(ctx: click.Context, folder: Path, as_json: bool) -> None:
    """Check contracts, sources, pipelines and the routes of alerts, and report all mistakes.

    Each mistake is one line, `file:line: field: what was found, what is expected; hint`. Reads files only; says
    nothing about data. Ends with 65 when there is a mistake.
    """
    project, mistakes = examine(folder)
    if project is not None:
        mistakes = examine_routes(project)[1]
        project = None if mistakes else project
    if as_json:
        click.echo(json.dumps(_as_json(project, mistakes), indent=2))
    elif project is None:
        click.echo(report(mistakes), err=True)
    else:
        counts = f"{len(project.contracts)} contracts, {len(project.sources)} sources"
        click.echo(f"{counts}, {len(project.pipelines)} pipelines: no mistakes (digest {project.short_digest})")
    if project is None:
        ctx.exit(EX_DATAERR)


def _as_json(project: Project | None, mistakes: list[Mistake]) -> dict[str, object]:
    found: dict[str, object] = {"valid": project is not None, "mistakes": [asdict(one) for one in mistakes]}
    if project is not None:
        found |= {"digest": project.digest, "contracts": list(project.contracts)}
        found |= {"sources": list(project.sources), "pipelines": project.pipeline_order()}
    return found


@click.command()
@click.argument("base", type=_FOLDER)
@_project
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a table, for a comment on a merge request.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of text.")
def diff(base: Path, folder: Path, as_markdown: bool, as_json: bool) -> None:
    """Say what differs between the contracts in BASE and those here, and what follows for published tables.

    BASE is a folder as `--project` is, e.g. a `git worktree` of the branch that a merge request goes to. Compares what
    is declared, and which transforms and views differ; reads no data. Ends with 0 whether there is a difference or not.
    """
    found = differences(load_project(base), load_project(folder))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    elif as_markdown:
        click.echo(difference_table(found))
    else:
        click.echo("\n".join(map(str, found)) or "no difference")


@click.command()
@_project
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to [docs/].")
@click.pass_context
def docs(ctx: click.Context, folder: Path, out: Path | None) -> None:
    """Write the data dictionary, `datasets.md`, and the pages of settings and commands.

    The dictionary says what every dataset, column and rule means, where the data comes from, who answers for it and
    what Snowflake shows. The same contracts give the same bytes.
    """
    place = out or folder / "docs"
    paths = [write_dictionary(load_project(folder), place), write_settings(place)]
    for path in (*paths, write_commands(ctx.find_root().command, place)):
        click.echo(f"wrote {path}")


@click.command()
@_project
def schema(folder: Path) -> None:
    """Write the JSON Schemas that editors use, to iceberg/schema/.

    The first line of each YAML file names its schema, so that an editor completes fields and marks misspelt ones
    while you type. `calve validate` knows more.
    """
    for path in write_schemas(folder, SCHEMAS):
        click.echo(f"wrote {path}")


@click.command()
@click.argument("dataset")
@click.option("--pipeline", required=True, help="Pipeline that publishes the dataset.")
@click.option("--from", "source", required=True, help="Source that the dataset comes from.")
@_project
def new(dataset: str, pipeline: str, source: str, folder: Path) -> None:
    """Write the three files that the new DATASET needs: contract, transform, test.

    They agree with each other from the start: `calve validate` and the test pass, and the dataset is the source as it
    lands. Edit from there. Refuses to overwrite.
    """
    for path in new_dataset(load_project(folder, filling=pipeline), dataset, pipeline=pipeline, source=source):
        click.echo(f"wrote {path}")
    click.echo("next: edit them, then `calve validate`")
