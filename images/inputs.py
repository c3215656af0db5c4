"""The inputs of an image: what its Dockerfile takes out of the repository, and the tag that they give.

A build is handed these files and no others, so the tag names all that it could have read. What Debian's and the package
registries' clients bring beside the locks (Debian's own packages) is no part of it: the list of parts names them.
"""

from __future__ import annotations

import hashlib
import io
import re
import shlex
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGES = ("spark", "airflow", "dev")
TAG_DIGITS = 12
# Beside the Dockerfile: binaries that Go builds before, from a lock of its own.
BUILT_BY_GO = {"dev": ("versitygw", "github.com/versity/versitygw/cmd/versitygw")}
_BOUND = re.compile(r"--mount=type=bind,source=([^,\s]+)")


@dataclass(frozen=True)
class Input:
    """One file of the build's context; links are not followed."""

    name: str
    content: bytes
    executable: bool


def tag_of(image: str, root: Path = ROOT) -> str:
    """Return the tag of an image: 12 hex digits over the names, modes and bytes of its inputs."""
    told = hashlib.sha256(image.encode())
    for one in inputs_of(image, root):
        told.update(f"{one.name}\0{one.executable:d}\0{hashlib.sha256(one.content).hexdigest()}\n".encode())
    return told.hexdigest()[:TAG_DIGITS]


def inputs_of(image: str, root: Path = ROOT) -> list[Input]:
    """Return the Dockerfile and every file that it takes, in the order of their names.

    Raises:
        FileNotFoundError: The Dockerfile takes something that isn't there.
    """
    dockerfile = f"images/{image}/Dockerfile"
    names, made = {dockerfile}, {f"images/{each}/{name}" for each, (name, _) in BUILT_BY_GO.items()}
    for source in sources_of((root / dockerfile).read_text()):
        found = _tracked(source, root)
        if not found and source not in made:
            msg = f"{dockerfile}: takes {source}, and no file of the repository is that; correct the line"
            raise FileNotFoundError(msg)
        names |= found
    if image in BUILT_BY_GO:
        names |= {f"images/{image}/go.mod", f"images/{image}/go.sum"}
    return [_read(name, root) for name in sorted(names)]


def sources_of(dockerfile: str) -> list[str]:
    """Return the paths that a Dockerfile copies or binds out of its context."""
    found = []
    for line in dockerfile.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["COPY"] and not any(word.startswith("--from=") for word in words):
            found += [word.rstrip("/") for word in words[1:-1] if not word.startswith("--")]
        found += _BOUND.findall(line)
    return found


def context(image: str, root: Path = ROOT, *, beside: dict[str, bytes] | None = None) -> bytes:
    """Return a build's context as a tar archive: the inputs, always the same bytes, and what lies beside."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        extra = [Input(name, content, executable=True) for name, content in sorted((beside or {}).items())]
        for one in [*inputs_of(image, root), *extra]:
            entry = tarfile.TarInfo(one.name)
            entry.size, entry.mode = len(one.content), 0o755 if one.executable else 0o644
            archive.addfile(entry, io.BytesIO(one.content))
    return packed.getvalue()


def commit_of(image: str, root: Path = ROOT) -> str:
    """Return the last commit that changed an input, and `+changes` where the files differ from it."""
    names = [one.name for one in inputs_of(image, root)]
    newest = _git(root, "log", "-1", "--format=%H", "--", *names).strip()
    changed = _git(root, "status", "--porcelain", "--", *names).strip()
    return f"{newest or 'unknown'}{'+changes' if changed else ''}"


def _tracked(source: str, root: Path) -> set[str]:
    """Return the files of the repository that a path of a COPY means: a file, a folder, or a pattern of files."""
    # Not what is ignored: caches would change the tag.
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", f":(glob){source}")
    return {name for name in listed.split("\0") if name and (root / name).is_file()}


def _read(name: str, root: Path) -> Input:
    path = root / name
    return Input(name, path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout
