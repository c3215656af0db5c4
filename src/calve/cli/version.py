"""`calve version`: which program, contracts and parts this is, so that two images can be held against each other.

Reads files and the environment only; needs no setting but the project's folder.
"""

from __future__ import annotations

import json
import os
import platform
import re
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

import click

from calve import __version__
from calve.contract.loader import load_project

# What an image's build leaves in its environment.
COMMIT, IMAGE = "CALVE_IMAGE_COMMIT", "CALVE_IMAGE"
_DISTRIBUTIONS = (
    "apache-airflow",
    "apache-airflow-providers-amazon",
    "apache-airflow-providers-cncf-kubernetes",
    "fakesnow",
    "kubernetes",
    "psycopg",
    "pydeequ",
    "pyiceberg",
    "pyspark",
    "snowflake-connector-python",
)
_JARS = ("deequ", "iceberg-aws-bundle", "iceberg-spark-runtime-3.5_2.12", "postgresql")


@click.command()
@click.option(
    "--project",
    "folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    envvar="CALVE_PROJECT",
    default=Path(),
    help="Folder that holds iceberg/ and spark_apps/ [CALVE_PROJECT, else here].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def version(folder: Path, as_json: bool) -> None:
    """Print the commit, the contract digest, and the versions of what is installed.

    The commit is the last that changed anything the image was built of; outside of an image there is none. Two images
    with the same digest mean the same by every name. Ends with 65 when the contracts have a mistake.
    """
    held = (folder / "iceberg").is_dir()
    found: dict[str, str | None] = {
        "version": __version__,
        "commit": os.environ.get(COMMIT),
        "image": os.environ.get(IMAGE),
        "contract": load_project(folder).digest if held else None,
    }
    parts = _parts()
    if as_json:
        click.echo(json.dumps({**found, "parts": parts}, indent=2))
        return
    lines = {name: value or "none" for name, value in found.items()} | parts
    width = max(map(len, lines))
    for name, value in lines.items():
        click.echo(f"{name:{width}}  {value}")


def _parts() -> dict[str, str]:
    found = {"python": platform.python_version()}
    if java := _java():
        found["java"] = java
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version_of(name)
        except PackageNotFoundError:
            continue
    return found | _jars()


def _java() -> str | None:
    """Return what the Java of JAVA_HOME says of itself in its own file; it isn't started."""
    release = Path(os.environ.get("JAVA_HOME", "")) / "release"
    if not os.environ.get("JAVA_HOME") or not release.is_file():
        return None
    told = re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text(encoding="utf-8"), re.MULTILINE)
    return told[1] if told else None


def _jars() -> dict[str, str]:
    """Return the versions of the jars that an image has beside Spark's own; elsewhere they are the lock's."""
    home = os.environ.get("SPARK_HOME")
    if not home:
        return {}
    names = {name: sorted((Path(home) / "jars").glob(f"{name}-[0-9]*.jar")) for name in _JARS}
    return {f"{name}.jar": paths[0].stem.removeprefix(f"{name}-") for name, paths in names.items() if paths}
