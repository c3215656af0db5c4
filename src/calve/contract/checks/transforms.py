"""Whether each dataset's transform is there and takes what the engine will hand to it.

Reads the text and never runs it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import PurePosixPath

from calve.contract.checks.declared import Declarations
from calve.contract.document import Draft
from calve.contract.mistakes import Mistake, listed

FOLDER = "spark_apps/transforms"


def missing_transforms(all_: Declarations) -> Iterator[Mistake]:
    """Yield a mistake for each dataset without `spark_apps/transforms/<dataset>.py`."""
    for name, draft in all_.named("contract").items():
        if not any((all_.folder / FOLDER / f"{n}.py").exists() for n in (name, PurePosixPath(draft.file).stem)):
            text = f"has no transform, expected {FOLDER}/{name}.py; write it with curate_{name}"
            yield draft.mistake(("dataset",), text)


def transform_mistakes(all_: Declarations, spoiled: Set[str]) -> Iterator[Mistake]:
    """Yield the mistakes in transforms, as far as they can be seen from outside.

    Args:
        spoiled: Files of contracts that have mistakes; nothing can be held against them.
    """
    for name, draft in all_.named("contract").items():
        file = f"{FOLDER}/{name}.py"
        path = all_.folder / file
        if draft.file in spoiled or not path.exists():
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            yield Mistake(file, line, "", f"is not Python: {getattr(error, 'msg', error)}; correct it")
            continue
        yield from _functions(draft, name, file, tree)


def _functions(draft: Draft, name: str, file: str, tree: ast.Module) -> Iterator[Mistake]:
    there = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    inputs = [n for f in ("from", "lookup", "derived_from", "reads") for _, n in draft.texts(f)]
    siblings = [n for f in ("derived_from", "reads") for _, n in draft.texts(f)]
    wanted = {f"curate_{name}": inputs}
    if draft.text("load") == "replace":
        wanted = {f"curate_{name}": [*inputs, "dates"], f"touched_{name}": ["changed", *siblings]}
    for function, parameters in wanted.items():
        if function not in there:
            text = f"found the functions {listed(there)}, expected {function}; name it so"
            yield Mistake(file, 1, "", text)
        else:
            yield from _parameters(there[function], parameters, file)


def _parameters(function: ast.FunctionDef, wanted: list[str], file: str) -> Iterator[Mistake]:
    arguments = function.args
    plain = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    required = plain[: len(plain) - len(arguments.defaults)]
    required += [a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is None]
    taken = {*plain, *(a.arg for a in arguments.kwonlyargs)}
    where = f"{function.name}"
    if arguments.kwarg is None and (absent := [name for name in wanted if name not in taken]):
        text = f"takes no {listed(absent)}, expected a parameter for each input: {listed(wanted)}; add it"
        yield Mistake(file, function.lineno, where, text)
    if extra := [name for name in required if name not in wanted]:
        text = f"asks for {listed(extra)}, which the contract does not name: {listed(wanted)}; name it there"
        yield Mistake(file, function.lineno, where, text)
