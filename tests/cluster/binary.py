"""The programs of a cluster, each built once from Go modules and kept for all who run these tests.

Without Go the test is skipped, and fails in CI. Whoever asks for one while it is built waits for it.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
VERSION = "v1.34.4"
HELM_VERSION, OPERATOR_VERSION, COREDNS_VERSION = "v3.19.5", "v2.5.0", "v1.14.3"
_VERSIONED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_ASSUMED = ("helm.sh/helm/v3/pkg/chartutil", "helm.sh/helm/v3/pkg/lint/rules")


@dataclass(frozen=True)
class Program:
    """What is built.

    Attributes:
        module: `path@version` of a released one, with its own locks; empty for a folder here, called like the program.
        checksum: Of the released module, as `go.sum` has it.
        package: Within the module.
        said: What the linker writes into variables.
    """

    name: str
    module: str = ""
    checksum: str = ""
    package: str = "."
    said: tuple[str, ...] = ()


def _kubernetes_said() -> tuple[str, ...]:
    values = {"gitVersion": VERSION, "gitMajor": "1", "gitMinor": "34", "gitTreeState": "clean"}
    return tuple(f"-X {package}.{key}={value}" for package in _VERSIONED for key, value in values.items())


def _helm_said() -> tuple[str, ...]:
    assumed = [f"-X {package}.k8sVersion{key}" for package in _ASSUMED for key in ("Major=1", "Minor=34")]
    return (f"-X helm.sh/helm/v3/internal/version.version={HELM_VERSION}", *assumed)


KUBERNETES = Program("kubernetes", said=_kubernetes_said())
HELM = Program(
    "helm",
    f"helm.sh/helm/v3@{HELM_VERSION}",
    "h1:l8zDGBhPaF2z5pTR5ASku/yZwi0qZrWthWMzvf1ZruE=",
    "./cmd/helm",
    _helm_said(),
)
OPERATOR = Program(
    "spark-operator",
    f"github.com/kubeflow/spark-operator/v2@{OPERATOR_VERSION}",
    "h1:NNgTHgQMbrGZSFJtprjssdtCaL/qlYYQY1EyXuRaP78=",
    "./cmd/operator",
)
COREDNS, PAUSE = Program("coredns"), Program("pause")


@cache
def kubernetes() -> Path:
    """Return etcd and all of Kubernetes in one; building it, once on a machine, takes about six minutes."""
    return built(KUBERNETES)


@cache
def helm() -> Path:
    """Return Helm; building it takes about two minutes."""
    return built(HELM)


def built(program: Program) -> Path:
    """Return a program, built when it was not before from the same sources by the same Go."""
    if shutil.which("go") is None:
        give_up(f"no Go on this machine, which builds {program.name}")
    found = cache_folder() / program.name / _digest(program) / program.name
    if not found.exists():
        found.parent.mkdir(parents=True, exist_ok=True)
        with (found.parent / "building").open("w") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            if not found.exists():
                _build(program, found)
    return found


def released(program: Program) -> Path:
    """Return the folder of a released module, which may hold more than the program: charts, say."""
    asked = _go("mod", "download", "-json", program.module, folder=Path("/"))
    if asked.returncode != 0:
        give_up(f"the Go client did not bring {program.module}: {asked.stdout or asked.stderr}")
    told = json.loads(asked.stdout)
    if told["Sum"] != program.checksum:
        pytest.fail(f"{program.module}: its checksum is {told['Sum']}, expected {program.checksum}")
    return Path(told["Dir"])


def give_up(why: str) -> None:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def cache_folder() -> Path:
    """Return where what took long to make is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "calve"


def _digest(program: Program) -> str:
    version = _go("env", "GOVERSION", folder=Path("/")).stdout
    if program.module:
        told = [program.module, program.checksum, program.package, *program.said]
        return hashlib.sha256("\0".join([version, *told]).encode()).hexdigest()[:16]
    files = [HERE / program.name / name for name in ("go.mod", "go.sum", "main.go")]
    held = [file.read_bytes() for file in files if file.exists()]
    return hashlib.sha256(b"\0".join([version.encode(), *held])).hexdigest()[:16]


def _build(program: Program, wanted: Path) -> None:
    made = wanted.with_name(f"{wanted.name}.{os.getpid()}")
    folder = released(program) if program.module else HERE / program.name
    if (done := _go("mod", "download", folder=folder)).returncode != 0:
        give_up(f"the Go client did not bring what {program.name} is made of: {done.stderr.strip()[-2000:]}")
    flags = " ".join(["-s -w", *program.said])
    done = _go("build", "-trimpath", "-ldflags", flags, "-o", str(made), program.package, folder=folder)
    if done.returncode != 0:
        made.unlink(missing_ok=True)
        pytest.fail(f"Go did not build {program.name}: {done.stderr.strip()[-2000:]}")
    made.rename(wanted)


def _go(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CGO_ENABLED": "0"}
    return subprocess.run(["go", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
