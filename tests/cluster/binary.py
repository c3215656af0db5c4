"""One binary with etcd and all of Kubernetes, built once from Go modules and kept for all who run these tests.

Without Go the test is skipped, and fails in CI. Whoever asks while it is built waits for it.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "kubernetes"
VERSION = "v1.34.4"
_VERSIONED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


@cache
def kubernetes() -> Path:
    """Return the binary; the first time on a machine it is built, which takes about six minutes."""
    if shutil.which("go") is None:
        give_up("no Go on this machine, which builds Kubernetes")
    found = _kept() / "kubernetes"
    if not found.exists():
        found.parent.mkdir(parents=True, exist_ok=True)
        with (found.parent / "building").open("w") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            if not found.exists():
                _build(found)
    return found


def give_up(why: str) -> None:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _kept() -> Path:
    version = _go("env", "GOVERSION").stdout
    told = b"\0".join([version.encode(), *((SOURCES / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))])
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache_folder / "calve" / "kubernetes" / hashlib.sha256(told).hexdigest()[:16]


def _build(wanted: Path) -> None:
    made = wanted.with_name(f"{wanted.name}.{os.getpid()}")
    values = {"gitVersion": VERSION, "gitMajor": "1", "gitMinor": "34", "gitTreeState": "clean"}
    said = [f"-X {package}.{key}={value}" for package in _VERSIONED for key, value in values.items()]
    if (done := _go("mod", "download")).returncode != 0:
        give_up(f"the Go client did not bring Kubernetes: {done.stderr.strip()[-2000:]}")
    done = _go("build", "-trimpath", "-ldflags", " ".join(["-s -w", *said]), "-o", str(made), ".")
    if done.returncode != 0:
        made.unlink(missing_ok=True)
        pytest.fail(f"Go did not build Kubernetes: {done.stderr.strip()[-2000:]}")
    made.rename(wanted)


def _go(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CGO_ENABLED": "0"}
    return subprocess.run(["go", *words], cwd=SOURCES, env=environment, capture_output=True, text=True, check=False)
