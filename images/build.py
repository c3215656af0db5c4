"""Build calve's images with plain `docker build`: `python -m images.build [NAME…]`, as `make images` calls it.

An image whose tag is there is not built again. Each build's list of parts lies in `build/sbom/` afterwards. Pushes only
when it is asked to, and never writes what it was given of mirrors into an image.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import click

from images.errors import ImageError
from images.given import build_options
from images.go import built_by_go
from images.inputs import IMAGES, ROOT, commit_of, context, tag_of
from images.parts import write_parts

EX_DATAERR = 65
SBOM = ROOT / "build" / "sbom"


@dataclass(frozen=True)
class Built:
    """One image that is there.

    Attributes:
        seconds: What its build took; 0 when it was there.
        parts: File of the list of what it holds.
    """

    reference: str
    size_bytes: int
    seconds: float
    parts: str


def reference_of(name: str) -> str:
    """Return the name and tag of an image, `calve/spark:0123456789ab`, whether it is there or not."""
    return f"calve/{name}:{tag_of(name)}"


def build(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Build an image unless it is there, and return its reference.

    Args:
        name: `spark`, `airflow` or `dev`.
        environment: Of the Docker client: `DOCKER_HOST`, `PATH`; and what the machine knows of mirrors.

    Raises:
        ImageError: No engine answers, or the build failed.
    """
    return build_and_tell(name, environment).reference


def build_and_tell(name: str, environment: Mapping[str, str] = os.environ) -> Built:
    """Do the same, and say what came of it."""
    reference, begun = reference_of(name), time.monotonic()
    is_there = bool(_docker(environment, "image", "ls", "--quiet", reference).strip())
    if not is_there:
        _build(name, reference, environment)
    seconds = 0.0 if is_there else time.monotonic() - begun
    size = int(_docker(environment, "image", "inspect", "--format", "{{.Size}}", reference))
    parts = SBOM / f"{name}-{tag_of(name)}.cdx.json"
    if not parts.exists():
        write_parts(reference, parts, environment)
    return Built(reference, size, round(seconds, 1), str(parts.relative_to(ROOT)))


def _build(name: str, reference: str, environment: Mapping[str, str]) -> None:
    packed = context(name, beside=built_by_go(name))
    arguments = {"CALVE_COMMIT": commit_of(name), "CALVE_TAG": reference.rpartition(":")[2]}
    words = [f"--build-arg={key}={value}" for key, value in arguments.items()]
    with build_options(environment) as given:
        named = ["--file", f"images/{name}/Dockerfile", "--tag", reference]
        _docker(environment, "build", "--progress=plain", *named, *words, *given, "-", said=packed)


def _docker(environment: Mapping[str, str], *words: str, said: bytes = b"") -> str:
    given = {**environment, "DOCKER_BUILDKIT": "1"}
    try:
        done = subprocess.run(["docker", *words], input=said, env=given, capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError as error:
        raise ImageError(_no_engine("there is no docker on PATH")) from error
    if done.returncode != 0:
        told = done.stderr.decode(errors="replace").strip()
        if "Cannot connect to the Docker daemon" in told or "error during connect" in told:
            raise ImageError(_no_engine(told))
        msg = f"docker {words[0]}: ended with {done.returncode}, expected 0; it said\n{told[-4000:]}"
        raise ImageError(msg)
    return done.stdout.decode()


def _no_engine(found: str) -> str:
    return (
        f"images: no Docker engine answers ({found}); start one or set DOCKER_HOST. On Debian, as root, one is started "
        "for a command by `PYTHONPATH=tests python -m cluster.docker_engine COMMAND…`"
    )


def push(name: str, registry: str, environment: Mapping[str, str] = os.environ) -> str:
    """Push an image that is there to a registry, as `REGISTRY/NAME:TAG`, and return that.

    Raises:
        ImageError: It is not built, or the registry did not take it.
    """
    found = reference_of(name)
    pushed = in_registry(found, registry)
    if not _docker(environment, "image", "ls", "--quiet", found).strip():
        msg = f"{found}: is not there, expected it to be built; run `make images`"
        raise ImageError(msg)
    _docker(environment, "tag", found, pushed)
    _docker(environment, "push", "--quiet", pushed)
    return pushed


def in_registry(reference: str, registry: str) -> str:
    """Return the name that an image has in a registry; without a registry its own."""
    return f"{registry.rstrip('/')}/{reference.removeprefix('calve/')}" if registry else reference


def helm_options(registry: str) -> str:
    """Return the words that make the chart take these images."""
    named = {name: in_registry(reference_of(name), registry).rpartition(":") for name in IMAGES}
    told = (
        (f"images.{name}.repository={where}", f"images.{name}.tag={tag}") for name, (where, _, tag) in named.items()
    )
    return " ".join(f"--set-string {each}" for pair in told for each in pair)


def _show(found: list[Built], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        how = f"built in {one.seconds:.0f} s" if one.seconds else "was there"
        click.echo(f"{one.reference:28} {one.size_bytes / 2**20:5.0f} MiB  {how}, parts: {one.parts}")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(IMAGES))
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.option("--tags", is_flag=True, help="Print the references only; builds nothing, needs no Docker.")
@click.option("--push", "registry", metavar="REGISTRY", help="Push what is built, and build nothing.")
@click.option(
    "--helm",
    "helm_registry",
    metavar="[REGISTRY]",
    is_flag=False,
    flag_value="",
    help="Print the options that make the chart take these images; needs no Docker.",
)
def main(*, names: tuple[str, ...], as_json: bool, tags: bool, registry: str | None, helm_registry: str | None) -> None:
    """Build images unless they are there: all of them, or those that are named."""
    chosen = names or IMAGES
    try:
        if tags:
            click.echo("\n".join(map(reference_of, chosen)))
        elif helm_registry is not None:
            click.echo(helm_options(helm_registry))
        elif registry is not None:
            click.echo("\n".join(push(name, registry) for name in chosen))
        else:
            _show([build_and_tell(name) for name in chosen], as_json=as_json)
    except ImageError as error:
        click.echo(str(error), err=True)
        sys.exit(EX_DATAERR)


if __name__ == "__main__":
    main()
