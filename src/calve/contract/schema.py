"""JSON Schemas of the YAML files, for editors: completion and a first check while typing.

Generated from the models, never written by hand. An editor knows less than `calve validate`: what one file
says of another is beyond a schema.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from calve.contract.grammar import Declared
from calve.contract.models import Contract, Pipeline
from calve.contract.sources import Source
from calve.effects import effect

DIALECT = "http://json-schema.org/draft-07/schema#"
# file → (title, what stands in it); the first line of each YAML file names its schema
Schemas = Mapping[str, tuple[str, Any]]
SCHEMAS: Schemas = {
    "contract.json": ("calve contract", Contract),
    "source.json": ("calve source", Source),
    "pipelines.json": ("calve pipelines", list[Pipeline]),
}
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {6,}.*)*)", re.MULTILINE)


def schema_texts(schemas: Schemas = SCHEMAS) -> dict[str, str]:
    """Return the text of each schema file by its name."""
    return {name: json.dumps(_schema(*said), indent=2) + "\n" for name, said in schemas.items()}


def write_schemas(folder: Path, schemas: Schemas = SCHEMAS) -> list[Path]:
    """Write the schemas into `iceberg/schema/` below a project's folder and return their paths."""
    place = folder / "iceberg" / "schema"
    place.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in schema_texts(schemas).items():
        with effect("schema.write"):
            (place / name).write_text(text, encoding="utf-8")
        paths.append(place / name)
    return paths


def _schema(title: str, declared: Any) -> dict[str, Any]:
    found = TypeAdapter(declared).json_schema(by_alias=True, schema_generator=GenerateJsonSchema)
    described = _models()
    for name, part in {**found.get("$defs", {}), getattr(declared, "__name__", ""): found}.items():
        if name in described:
            _describe(part, described[name])
    return {"$schema": DIALECT, **found, "title": title}


def _models() -> dict[str, type[BaseModel]]:
    """Return the models of YAML files by name; a schema names its parts by them."""
    todo: list[type[BaseModel]] = [Declared]
    found: dict[str, type[BaseModel]] = {}
    while todo:
        for model in todo.pop().__subclasses__():
            found[model.__name__] = model
            todo.append(model)
    return found


def attributes_told(model: type[BaseModel]) -> dict[str, str]:
    """Return what a model's docstring says of its fields, under `Attributes`."""
    text = inspect.getdoc(model) or ""
    return {name: " ".join(said.split()) for name, said in _ATTRIBUTE.findall(text)}


def _describe(part: dict[str, Any], model: type[BaseModel]) -> None:
    """Put the docstring's first part to the whole, and its `Attributes` to the properties."""
    text = inspect.getdoc(model) or ""
    part["description"] = text.partition("\n\nAttributes:")[0].replace("\n", " ")
    words = attributes_told(model)
    for name, field in model.model_fields.items():
        if name in words and (entry := part["properties"].get(field.alias or name)) is not None:
            entry["description"] = words[name]
    for entry in part.get("properties", {}).values():
        entry.pop("title", None)
