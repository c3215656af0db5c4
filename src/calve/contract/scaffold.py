"""The three files that a new dataset needs: contract, transform, test; they agree from the first moment.

Never overwrites: when one of the files is there, none is written.
"""

from __future__ import annotations

import re
from pathlib import Path

from calve.contract.mistakes import hint, listed
from calve.contract.project import Project, sources_named
from calve.contract.sources import Source
from calve.effects import effect
from calve.errors import ContractError

_NAME = re.compile(r"^[a-z][a-z0-9_]{2,50}$")
_SAMPLES = {
    "boolean": "True",
    "int": "1",
    "long": "1",
    "double": "1.5",
    "string": '"a"',
    "date": "date(2025, 1, 1)",
    "timestamptz": "datetime(2025, 1, 1, tzinfo=UTC)",
    "decimal": "Decimal(1)",
}


def new_dataset(project: Project, dataset: str, *, pipeline: str, source: str) -> list[Path]:
    """Write contract, transform and test of a dataset that is the source as it lands; return their paths.

    Raises:
        ContractError: The names don't fit, the source belongs to another pipeline, or another file is there;
            nothing was written.
    """
    _must_fit(project, dataset, pipeline, source)
    described = project.sources[source]
    contract = f"iceberg/contracts/{dataset}.yaml"
    texts = {
        contract: _contract(project, dataset, pipeline, described),
        f"spark_apps/transforms/{dataset}.py": _transform(dataset, described),
        f"tests/transforms/test_{dataset}.py": _test(dataset, described),
    }
    if there := [file for file, text in texts.items() if _is_another(project.folder / file, text)]:
        msg = f"dataset {dataset}: {listed(there)} is there already, expected no such file; take another name"
        raise ContractError(msg)
    # The contract takes the name, so it is written last: a command that died before is simply repeated.
    for file in sorted(texts, key=lambda each: each == contract):
        (project.folder / file).parent.mkdir(parents=True, exist_ok=True)
        with effect("scaffold.write"):
            (project.folder / file).write_text(texts[file], encoding="utf-8")
    return [project.folder / file for file in texts]


def _is_another(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") != text


def _must_fit(project: Project, dataset: str, pipeline: str, source: str) -> None:
    if not _NAME.match(dataset):
        msg = f"dataset '{dataset}': expected 3 to 51 lower-case letters, digits and _, e.g. fct_playback"
        raise ContractError(msg)
    if dataset in project.contracts or dataset in project.sources:
        msg = f"dataset {dataset}: the name is taken; take another"
        raise ContractError(msg)
    for kind, name, known in (("pipeline", pipeline, project.pipelines), ("source", source, project.sources)):
        if name not in known:
            msg = f"{kind} '{name}': not declared; there are {listed(known)}{hint(name, known)}"
            raise ContractError(msg)
    for contract in project.contracts.values():
        if source in sources_named(contract) and contract.pipeline != pipeline:
            owner = f"belongs to pipeline {contract.pipeline} (dataset {contract.dataset})"
            msg = f"source {source}: {owner}, expected {pipeline}; a source lands in one pipeline"
            raise ContractError(msg)


def _columns(source: Source) -> list[tuple[str, str, str, str | None]]:
    """Return name, type, doc and domain of what the dataset begins with: all that lands but the deletion mark."""
    return [
        (c.landed_name, c.landed_type, " ".join(c.doc.split()), c.domain if c.land == "hash" else None)
        for c in source.landed
        if c.name != source.deletes.soft
    ]


def _contract(project: Project, dataset: str, pipeline: str, source: Source) -> str:
    owner = project.pipelines[pipeline].owner
    keys = ", ".join(source.landed_key)
    merges = source.extract == "changes"
    lines = [
        "# yaml-language-server: $schema=../schema/contract.json",
        f"dataset: {dataset}",
        f"pipeline: {pipeline}",
        f"owner: {{team: {owner.team}, alerts: {owner.alerts}}}",
        f"doc: One row per {' and '.join(source.landed_key)}.",
        f"grain: [{keys}]",
        "",
        f"from: [{source.source}]",
        f"load: {'merge' if merges else 'snapshot'}",
        *([f"touched_by: [{keys}]"] if merges else []),
        "",
        "columns:",
    ]
    for name, kind, doc, domain in _columns(source):
        typed = f'"{kind}"' if "(" in kind else kind
        ends = f", domain: {domain}" if domain else ""
        lines.append(f"  - {{name: {name}, type: {typed}, doc: {_quoted(doc)}{ends}}}")
    lines += ["", "audit:", f"  - {{complete: [{keys}], else: block}}", f"  - {{unique: [{keys}], else: block}}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _transform(dataset: str, source: Source) -> str:
    keys = " and ".join(f"`{name}`" for name in source.landed_key)
    names = "\n".join(f'        "{name}",' for name, *_ in _columns(source))
    return f'''"""{dataset}: one row per {" and ".join(source.landed_key)}, in the columns of its contract."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def curate_{dataset}({source.source}: DataFrame) -> DataFrame:
    """Keep every row of {source.source}.

    Args:
        {source.source}: Latest live version of each row, as landed; times in UTC.

    Returns:
        One row per {keys}: the contract's columns and `_source_at timestamp`.
    """
    return {source.source}.select(
{names}
        F.col("{source.changed_by}").alias("_source_at"),
    )
'''


def _test(dataset: str, source: Source) -> str:
    samples = [(c.landed_name, c.landed_type, _SAMPLES[c.landed_type.partition("(")[0]]) for c in source.landed]
    schema = "\n".join(f'    "{name} {_spark(kind)}",' for name, kind, _ in samples)
    row = "\n".join(f"    {sample},  # {name}" for name, _, sample in samples)
    kept = "\n".join(f'        "{name}",' for name, *_ in _columns(source))
    imports = "\n".join(_imports("".join(sample for *_, sample in samples)))
    return f"""{imports}
from transforms.{dataset} import curate_{dataset}

SCHEMA = (
{schema}
)
ROW = (
{row}
)


def test_every_row_of_{source.source}_is_kept(spark):
    found = curate_{dataset}(spark.createDataFrame([ROW], ", ".join(SCHEMA)))

    assert found.count() == 1
    assert found.columns == [
{kept}
        "_source_at",
    ]
"""


def _imports(used: str) -> list[str]:
    """Return the import lines that sample values need, with an empty line after them."""
    names = [name for name, mark in (("UTC", "UTC"), ("date", "date("), ("datetime", "datetime(")) if mark in used]
    lines = [f"from datetime import {', '.join(names)}"] if names else []
    lines += ["from decimal import Decimal"] if "Decimal(" in used else []
    return [*lines, ""] if lines else []


def _spark(kind: str) -> str:
    return {"long": "bigint", "timestamptz": "timestamp"}.get(kind, kind)
