"""The names of all effects, read from the source, and where each of them is killed at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "calve"
MOMENTS = ("before", "after")

# One `calve run` of both pipelines into a new lake, killed at the first point, run again and killed at the second …
# The first five die before Spark is started. `@N` is the N-th time that one process passes the point.
CHAIN = (
    "run.submit:before",
    "run.submit:after",
    "lake.create:before@2",
    "lake.create:after",
    "lake.begin:before@2",
    "lake.begin:after",
    "land.write:before@2",
    "land.write:after",
    "stage.branch:before@2",
    "stage.branch:after",
    "stage.write:before@3",
    "stage.write:after@2",
    "publication.commit:after",
)
# What is left to do then needs no lake any more: `calve run` again, without Spark.
SERVING = ("live.swap:before", "live.swap:after", "page.write:before", "page.write:after")
KILLED_HERE = {
    "tests/kill/test_a_killed_run_is_taken_up_again.py": (*CHAIN, *SERVING),
}
# Effects of a command that is no run: the words that make it pass them.
OF_COMMANDS = {
    "docs.write": ("docs", "--out", "{folder}/docs"),
    "schema.write": ("schema", "--project", "{folder}"),
    "scaffold.write": ("new", "dim_made", "--pipeline", "reference", "--from", "region", "--project", "{folder}"),
    "doctor.put": ("doctor",),
    "doctor.delete": ("doctor",),
    "source.create": ("source", "fill", "--until", "2025-01-03", "--scale", "0.02"),
    "source.fill": ("source", "fill", "--until", "2025-01-03", "--scale", "0.02"),
    "source.plant": ("source", "plant", "negative_price", "--day", "2025-01-02"),
    "source.repair": ("source", "repair"),
}
# Whole packages that another suite kills at, every effect before and after.
ELSEWHERE = {
    "alerts": "tests/alerts/test_a_killed_sender_loses_nothing.py",
    "lake": "tests/lake/test_killed_at_every_effect.py",
    "warehouse": "tests/warehouse/test_killed_anywhere_the_next_expose_heals.py",
    "standin/local": "tests/local/test_a_killed_command_is_taken_up_again.py",
}
# One rename that either happened or not; its suite looks at what is in the cache before and after.
RENAMES = {"jars.store": "tests/local/test_jars_are_those_of_the_lock.py"}


def effects() -> dict[str, list[Path]]:
    """Return every effect's name and the files that it is in.

    Raises:
        ValueError: A name is no literal, so that nobody can list it.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "effect":
                for name in _names(call.args[0], path):
                    found.setdefault(name, []).append(path.relative_to(SOURCE))
    return found


def _names(argument: ast.expr, path: Path) -> Iterator[str]:
    if isinstance(argument, ast.IfExp):
        yield from _names(argument.body, path)
        yield from _names(argument.orelse, path)
    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    else:
        msg = f"{path}:{argument.lineno}: found {ast.unparse(argument)}, expected a literal; name the effect there"
        raise ValueError(msg)  # noqa: TRY004  # a name, not a type


def name_of(point: str) -> str:
    """Return the effect of a point such as `land.write:after@2`."""
    return point.partition(":")[0]
