"""What the repository holds: tracked files, and Python modules as syntax trees."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("src/", "spark_apps/")


@dataclass(frozen=True)
class Module:
    file: str
    text: str
    tree: ast.Module

    @property
    def functions(self):
        return [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


@cache
def tracked() -> tuple[str, ...]:
    """Return the files that are tracked or would be: all but the ignored ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(sorted(file for file in set(listed) if (ROOT / file).is_file()))


@cache
def text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8", errors="replace")


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Return the Python modules below the folders (all of the repository without one)."""
    files = [f for f in tracked() if f.endswith(".py") and f.startswith(folders or ("",))]
    return tuple(Module(file, text(file), ast.parse(text(file))) for file in files)
