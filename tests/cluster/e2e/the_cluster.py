"""A cluster with calve's images in it: a node of this machine's own, or that of CALVE_TEST_KUBECONFIG.

Into somebody's cluster nothing is brought: its images are expected there, as `kind load` or a registry brings them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.archives import archived, forget_others, operator, parts_of_a_node
from cluster.commands import Commands
from cluster.docker_engine import Engine
from cluster.node import Node

ROOT = Path(__file__).parents[3]
NAMES = ("spark", "airflow", "dev")


@dataclass(frozen=True)
class Cluster:
    """What tests install into.

    Attributes:
        commands: kubectl and Helm for it.
        images: The reference of each image by its name: calve's, and `operator`.
        folder: Where what is told of it is kept, until the tests have passed.
    """

    commands: Commands
    images: dict[str, str]
    folder: Path


@contextmanager
def running(give_engine: Callable[[], Engine], has_failed: Callable[[], bool]) -> Iterator[Cluster]:
    """Give a cluster; when the tests have failed its logs stay, and it is said where."""
    folder = Path(tempfile.mkdtemp(prefix="calve-e2e-"))
    if kubeconfig := os.environ.get("CALVE_TEST_KUBECONFIG"):
        given = {"operator": os.environ["CALVE_TEST_OPERATOR_IMAGE"]}
        yield Cluster(Commands(Path(kubeconfig)), _references() | given, folder)
        return
    references = _references()
    archives = {name: archived(each, _building(give_engine, name)) for name, each in references.items()}
    archives["operator"] = operator(references["spark"], give_engine)
    parts = parts_of_a_node(give_engine)
    forget_others([*archives.values(), *parts.values()])
    node = Node(folder, parts["pause"], parts["coredns"])
    try:
        node.start(list(archives.values()))
        yield Cluster(node.commands, {name: each.reference for name, each in archives.items()}, folder)
        if has_failed():
            _tell(node.commands, folder)
    finally:
        node.stop()
        if has_failed():
            sys.stderr.write(f"\nlogs of the cluster: {folder}\n")
        else:
            shutil.rmtree(folder)


def _references() -> dict[str, str]:
    told = _run([sys.executable, "-m", "images.build", "--tags", *NAMES], dict(os.environ))
    return dict(zip(NAMES, told.split(), strict=True))


def _building(give_engine: Callable[[], Engine], name: str) -> Callable[[], Engine]:
    def give() -> Engine:
        engine = give_engine()
        _run([sys.executable, "-m", "images.build", name], engine.environment)
        return engine

    return give


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-3000:])
    return done.stdout


def _tell(commands: Commands, folder: Path) -> None:
    """Write what the cluster knows into the folder; pods' logs are in `pods` already."""
    kinds = "sparkapplications,pods,jobs,deployments,statefulsets,services,configmaps,events"
    for name in ("describe", "get"):
        words = [name, kinds, "--all-namespaces", *(["-o", "yaml"] if name == "get" else [])]
        (folder / f"{name}.txt").write_text(commands.kubectl(*words))
    shutil.copytree(folder / "pods", folder / "logs-of-pods", dirs_exist_ok=True)
