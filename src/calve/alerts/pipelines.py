"""Read the pipelines alone: alerts must leave, and deadlines be noticed, whatever the contracts are like."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from calve.contract.document import listing, read
from calve.contract.mistakes import Mistake
from calve.contract.models import Pipeline
from calve.contract.project import Project
from calve.contract.wording import mistakes_of

FILE = "iceberg/pipelines.yaml"


def read_pipelines(folder: Path) -> tuple[Project, list[Mistake]]:
    """Return a project without contracts, of the pipelines that can be read, and the mistakes of the others."""
    path, pipelines = folder / FILE, dict[str, Pipeline]()
    if not path.exists():
        return Project(folder, {}, {}, {}, ""), [Mistake(FILE, 1, "", "is not there; add it with a list of pipelines")]
    draft, mistakes = read(path, FILE)
    for one in listing(draft) if draft is not None else ():
        try:
            pipeline = Pipeline.model_validate_json(json.dumps(one.value), by_alias=True, by_name=False)
        except ValidationError as error:
            mistakes += mistakes_of(error, Pipeline, one)
        else:
            pipelines[pipeline.pipeline] = pipeline
    return Project(folder, {}, {}, pipelines, ""), mistakes
