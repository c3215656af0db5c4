"""Images of the cluster's own parts, and archives of any image, kept so that a second run needs no Docker."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster.binary import COREDNS, HERE, OPERATOR, PAUSE, Program, built, cache_folder
from cluster.docker_engine import Engine


@dataclass(frozen=True)
class Archive:
    """An image in a file.

    Attributes:
        reference: By which pods name it.
    """

    reference: str
    file: Path


def parts_of_a_node(give_engine: Callable[[], Engine]) -> dict[str, Archive]:
    """Return the images that each node has, `pause` and `coredns`; an engine is asked for when one is missing."""
    return {each.name: _of(each, give_engine) for each in (PAUSE, COREDNS)}


def operator(spark: str, give_engine: Callable[[], Engine]) -> Archive:
    """Return the Spark operator's image: its program on top of a Spark image, whose spark-submit it calls."""
    return _of(OPERATOR, give_engine, spark)


def archived(reference: str, give_engine: Callable[[], Engine]) -> Archive:
    """Return an image that an engine has, by a tag that names its content."""
    file = _file(reference)
    if not file.exists():
        _save(give_engine(), reference, file)
    return Archive(reference, file)


def forget_others(kept: Iterable[Archive]) -> None:
    """Remove archives of the same images with other tags."""
    known = {each.file: each.file.name.rpartition("-")[0] for each in kept}
    for each in _folder().glob("*.tar"):
        if each not in known and each.name.rpartition("-")[0] in known.values():
            each.unlink()


def _of(program: Program, give_engine: Callable[[], Engine], base: str = "") -> Archive:
    binary, recipe = built(program), HERE / program.name / "Dockerfile"
    told = "\0".join([binary.parent.name, recipe.read_text(), base])
    reference = f"calve/test-{program.name}:{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    file = _file(reference)
    if not file.exists():
        engine = give_engine()
        with tempfile.TemporaryDirectory(prefix="calve-image-") as context:
            shutil.copy(binary, context)
            given = ["--build-arg", f"SPARK={base}"] if base else []
            engine.docker("build", "--quiet", "--tag", reference, "--file", str(recipe), *given, context)
        _save(engine, reference, file)
    return Archive(reference, file)


def _save(engine: Engine, reference: str, wanted: Path) -> None:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    made = wanted.with_suffix(f".{os.getpid()}")
    engine.docker("save", "--output", str(made), reference)
    made.rename(wanted)


def _file(reference: str) -> Path:
    return _folder() / f"{reference.replace('/', '-').replace(':', '-')}.tar"


def _folder() -> Path:
    return cache_folder() / "images"
