"""Binaries of an image that Go builds from modules, by the checksums of `go.sum`, before Docker is asked.

They are kept in the cache folder by their lock and Go's version. No image holds a compiler for it, not even a stage.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from images.errors import ImageError
from images.inputs import BUILT_BY_GO, ROOT


def built_by_go(image: str) -> dict[str, bytes]:
    """Return what lies beside the Dockerfile of an image, by its path in the context; built when it isn't kept.

    Raises:
        ImageError: There is no Go, or it did not build.
    """
    if image not in BUILT_BY_GO:
        return {}
    name, package = BUILT_BY_GO[image]
    sources = ROOT / "images" / image
    if shutil.which("go") is None:
        msg = f"images/{image}: there is no go on PATH, which builds {name}; install Go 1.25 or newer"
        raise ImageError(msg)
    kept = _kept(sources, name)
    if not kept.exists():
        _build(sources, package, kept)
    return {f"images/{image}/{name}": kept.read_bytes()}


def _kept(sources: Path, name: str) -> Path:
    version = _go(sources, "env", "GOVERSION")
    told = hashlib.sha256(version.encode())
    for file in ("go.mod", "go.sum"):
        told.update((sources / file).read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "calve" / name / told.hexdigest()[:16] / name


def _build(sources: Path, package: str, wanted: Path) -> None:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    made = wanted.with_name(f"{wanted.name}.{os.getpid()}")
    _go(sources, "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", str(made), package)
    made.rename(wanted)


def _go(sources: Path, *words: str) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOOS": "linux"}
    done = subprocess.run(["go", *words], cwd=sources, env=environment, capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode != 0:
        msg = (
            f"go {words[0]} in {sources.name}: ended with {done.returncode}, expected 0; it said {done.stderr[-2000:]}"
        )
        raise ImageError(msg)
    return done.stdout.strip()
