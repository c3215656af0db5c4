"""Reads a project's declarations and promises that they agree; tells all mistakes at once.

Never returns half a project, and never touches anything but files below the given folder. What a process has read
once it reads again only when the file has changed: Airflow asks for the parts of a project over and over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from calve.contract.agreement import disagreements
from calve.contract.digest import digest_of
from calve.contract.document import Draft, listing, read
from calve.contract.grammar import Declared
from calve.contract.mistakes import Mistake, hint, listed, report, shown
from calve.contract.models import Contract, Pipeline
from calve.contract.project import Project
from calve.contract.sources import Source
from calve.contract.wording import mistakes_of
from calve.errors import ContractError

_Model = TypeVar("_Model", bound=BaseModel)
_T = TypeVar("_T")
_PIPELINE = re.compile(r"^pipeline:\s*([\w-]+)", re.MULTILINE)
_WORD = re.compile(r"\w+")
# What was read of a file, and what the file was then.
_Kept = dict[Path, tuple[tuple[int, ...], _T]]
_glances: _Kept[Glance] = {}
_drafts: _Kept[tuple[Draft | None, list[Mistake]]] = {}


@dataclass(frozen=True)
class Part:
    """The contracts, sources and pipelines that are looked at; all others count as not there."""

    contract: list[Path]
    source: list[Path]
    pipelines: set[str]


@dataclass(frozen=True)
class Glance:
    """What can be told of a contract's file without parsing it: its pipeline, if any, and all words."""

    pipeline: str | None
    words: frozenset[str]


@dataclass
class Reading:
    """What was found so far.

    Attributes:
        drafts: By kind, valid or not.
        broken: Names of files that hold no draft, by kind.
        of_models: What a model as a whole refused. The checks say the same in more detail, so these count
            only where no check found anything.
    """

    drafts: dict[str, list[Draft]] = field(default_factory=dict)
    broken: dict[str, set[str]] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    of_models: list[Mistake] = field(default_factory=list)


def load_project(folder: Path, *, filling: str = "") -> Project:
    """Return the project that `folder` declares.

    Args:
        filling: A pipeline that is about to get its first contract, and may have none yet.

    Raises:
        ContractError: Lists every mistake as `file:line: field: what was found, what is expected; hint`.
    """
    project, mistakes = examine(folder, filling=filling)
    if project is None:
        raise ContractError(report(mistakes))
    return project


def load_pipeline(folder: Path, name: str) -> Project:
    """Return the part of a project that a pipeline and those it needs are made of; no other contract is read.

    So that what is wrong with one pipeline keeps no other from being shown, and many contracts cost little. A part
    has no digest.

    Raises:
        ContractError: There is no such pipeline, or there are mistakes in its part, told as `load_project` does. A
            contract that can't be told to belong to another pipeline counts as every pipeline's.
    """
    reading = Reading()
    _read_pipelines(folder / "iceberg" / "pipelines.yaml", folder, reading)
    needs = {str(one["pipeline"]): one.get("needs") or [] for one in map(_fields, reading.drafts["pipeline"])}
    if name not in needs and not reading.mistakes:
        there = f"there are {listed(sorted(needs))}{hint(name, needs)}"
        msg = f"pipeline {name}: not in {folder / 'iceberg' / 'pipelines.yaml'}; {there}"
        raise ContractError(msg)
    wanted, found = [name], {name}
    while wanted:
        more = [each for each in needs.get(wanted.pop(), []) if each in needs and each not in found]
        wanted, found = wanted + more, found | set(more)
    glances = {path: _unless_kept(_glances, path, _glance) for path in _files(folder, "contract")}
    mine = [path for path, glance in glances.items() if glance.pipeline is None or glance.pipeline in found]
    words = frozenset().union(*(glances[path].words for path in mine))
    sources = [path for path in _files(folder, "source") if words.issuperset(_WORD.findall(path.stem))]
    project, mistakes = examine(folder, Part(mine, sources, found))
    if project is None:
        raise ContractError(report(mistakes))
    return project


def examine(folder: Path, part: Part | None = None, *, filling: str = "") -> tuple[Project | None, list[Mistake]]:
    """Return the project, or a part of it, or None and all mistakes."""
    reading = _read_all(folder, part)
    contracts = _modelled(Contract, reading, "contract", "dataset")
    sources = _modelled(Source, reading, "source", "source")
    pipelines = _modelled(Pipeline, reading, "pipeline", "pipeline")
    spoiled = {mistake.file for mistake in reading.mistakes}
    reading.mistakes += disagreements(folder, reading.drafts, reading.broken, spoiled=spoiled, filling=filling)
    files = {mistake.file for mistake in reading.mistakes}
    reading.mistakes += [mistake for mistake in reading.of_models if mistake.file not in files]
    if reading.mistakes:
        return None, sorted(set(reading.mistakes))
    declared: dict[str, dict[str, Declared]] = {
        "contracts": dict(contracts),
        "sources": dict(sources),
        "pipelines": dict(pipelines),
    }
    return Project(folder, contracts, sources, pipelines, digest_of(folder, declared) if part is None else ""), []


def _unless_kept(kept: _Kept[_T], path: Path, read_it: Callable[[Path], _T]) -> _T:
    """Return what was read of a file before, or read it when it is not the same any more."""
    seen = path.stat()
    now = (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)
    if path not in kept or kept[path][0] != now:
        kept[path] = now, read_it(path)
    return kept[path][1]


def _glance(path: Path) -> Glance:
    text = path.read_text(encoding="utf-8", errors="replace")
    said = _PIPELINE.search(text)
    return Glance(said[1] if said else None, frozenset(_WORD.findall(text)))


def _draft(path: Path, folder: Path) -> tuple[Draft | None, list[Mistake]]:
    """Return what stands in a file, and its mistakes of syntax."""
    return _unless_kept(_drafts, path, lambda file: read(file, _name(file, folder)))


def _files(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / "iceberg" / f"{kind}s").glob("*.y*ml"), key=lambda path: path.name)


def _fields(draft: Draft) -> dict[str, Any]:
    found: dict[str, Any] = {"pipeline": "", **(draft.value if isinstance(draft.value, dict) else {})}
    return found


def _read_all(folder: Path, part: Part | None) -> Reading:
    reading = Reading()
    for kind in ("contract", "source"):
        place = folder / "iceberg" / f"{kind}s"
        reading.drafts[kind], reading.broken[kind] = [], set()
        paths = _files(folder, kind) if part is None else getattr(part, kind)
        for path in paths:
            _read_one(path, kind, folder, reading)
        if not any(path.suffix == ".yaml" for path in paths or _files(folder, kind)):
            reading.broken[kind].add("*")
            reading.mistakes.append(Mistake(_name(place, folder), 1, "", f"holds no .yaml file; add a {kind}"))
    _read_pipelines(folder / "iceberg" / "pipelines.yaml", folder, reading)
    if part is not None:
        mine = [draft for draft in reading.drafts["pipeline"] if _fields(draft)["pipeline"] in part.pipelines]
        reading.drafts["pipeline"] = mine
    return reading


def _read_pipelines(path: Path, folder: Path, reading: Reading) -> None:
    file = _name(path, folder)
    reading.drafts["pipeline"], reading.broken["pipeline"] = [], {"*"}
    if not path.exists():
        reading.mistakes.append(Mistake(file, 1, "", "is not there; add it with a list of pipelines"))
        return
    draft, found = _draft(path, folder)
    reading.mistakes += found
    if draft is None:
        return
    if not isinstance(draft.value, list):
        text = f"found {shown(draft.value)}, expected a list of pipelines: `- pipeline: ...`"
        reading.mistakes.append(draft.mistake((), text))
        return
    reading.broken["pipeline"] = set()
    for one in listing(draft):
        if isinstance(one.value, dict):
            reading.drafts["pipeline"].append(one)
        else:
            text = f"found {shown(one.value)}, expected the fields of a pipeline"
            reading.mistakes.append(one.mistake((), text))


def _read_one(path: Path, kind: str, folder: Path, reading: Reading) -> None:
    file = _name(path, folder)
    if path.suffix != ".yaml":
        reading.mistakes.append(Mistake(file, 1, "", f"is never read; rename it to {path.stem}.yaml"))
        return
    draft, found = _draft(path, folder)
    reading.mistakes += found
    if draft is None:
        reading.broken[kind].add(path.stem)
    elif not isinstance(draft.value, dict):
        reading.broken[kind].add(path.stem)
        text = f"found {shown(draft.value)}, expected the fields of a {kind}"
        reading.mistakes.append(draft.mistake((), text))
    else:
        reading.drafts[kind].append(draft)


def _modelled(model: type[_Model], reading: Reading, kind: str, name: str) -> dict[str, _Model]:
    """Return the valid models by name, sorted; the mistakes of the others go to the reading."""
    valid: dict[str, _Model] = {}
    for draft in reading.drafts[kind]:
        try:
            # JSON because strict models take a list for a tuple from there only
            one = model.model_validate_json(json.dumps(draft.value), by_alias=True, by_name=False)
        except ValidationError as error:
            found = mistakes_of(error, model, draft)
            reading.mistakes += [mistake for mistake in found if mistake.field]
            reading.of_models += [mistake for mistake in found if not mistake.field]
        else:
            valid[getattr(one, name)] = one
    return dict(sorted(valid.items()))


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
