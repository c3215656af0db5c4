"""The data dictionary: what every dataset, column and rule means, as one Markdown page.

Written from the contracts alone, so it can't say anything else than what is checked; holds no time, no
path and no digest: the same contracts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from calve.contract.models import Column, Contract
from calve.contract.project import Project, sources_named
from calve.contract.sources import Source, SourceColumn
from calve.contract.types import snowflake_type
from calve.effects import effect
from calve.report.rule_words import consequence_of, promise_of

FILE = "datasets.md"
_LOADS = {
    "append": "new rows are added; a row that is sent again counts once",
    "merge": "a row holds its latest known state, whatever the order of arrival",
    "replace": "touched dates are computed anew, whole",
    "snapshot": "the whole table as it is now",
}
_OWN = """\
Every dataset carries four columns of calve's own: `_run_key` (the run that wrote the row), `_source_at` (the newest
change in the source that it reflects), `_ingested_at` (when it was written) and `_row_hash` (tells whether it changed).
`quarantine.<dataset>` holds the rows that broke a rule, with `_reasons`. What the numbers of the reporting views mean
stands in `iceberg/metrics.md`.
"""


def write_dictionary(project: Project, out: Path) -> Path:
    """Write the page into a folder and return its path."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / FILE
    with effect("docs.write"):
        path.write_text(dictionary(project), encoding="utf-8")
    return path


def dictionary(project: Project) -> str:
    """Return the page's Markdown."""
    lines = [
        "<!-- Written by `calve docs` from iceberg/; change the contracts, not this page. -->",
        "# Datasets",
        "",
        _OWN,
        *_overview(project),
        *_diagram(project),
    ]
    for pipeline in project.pipeline_order():
        for contract in project.contracts_of(pipeline):
            lines += _dataset(contract, project)
    lines += ["## Sources", ""]
    for source in project.sources.values():
        lines += _source(source)
    return "\n".join(lines).rstrip() + "\n"


def _overview(project: Project) -> Iterator[str]:
    def rows() -> Iterator[list[str]]:
        for pipeline in project.pipeline_order():
            for contract in project.contracts_of(pipeline):
                name = contract.dataset
                yield [f"[{name}](#{name})", pipeline, _first_sentence(contract.doc), contract.owner.team]

    yield from _table(["dataset", "pipeline", "holds", "owner"], rows())


def _first_sentence(doc: str) -> str:
    return " ".join(doc.split()).partition(". ")[0].rstrip(".") + "."


def _diagram(project: Project) -> Iterator[str]:
    """Yield the lineage; a dotted line is read as published, and moves no row by itself."""
    yield from ("## Where the data comes from", "", "```mermaid", "flowchart LR")
    yield "    subgraph sources"
    yield from (f"        s_{name}[({name})]" for name in project.sources)
    yield "    end"
    for pipeline in project.pipeline_order():
        yield f"    subgraph p_{pipeline}[{pipeline}]"
        yield from (f"        {contract.dataset}" for contract in project.contracts_of(pipeline))
        yield "    end"
    for contract in project.contracts.values():
        name = contract.dataset
        yield from (f"    s_{source} --> {name}" for source in contract.sources)
        yield from (f"    s_{source} -.-> {name}" for source in sources_named(contract)[len(contract.sources) :])
        yield from (f"    {sibling} --> {name}" for sibling in contract.derived_from)
        yield from (f"    {other} -.-> {name}" for other in contract.reads)
    yield from ("```", "")


def _dataset(contract: Contract, project: Project) -> Iterator[str]:
    yield from (f"## {contract.dataset}", "", contract.doc.strip(), "")
    facts = {
        "one row per": ", ".join(f"`{name}`" for name in contract.grain),
        "pipeline": f"{contract.pipeline}, from {project.pipelines[contract.pipeline].start} on",
        "owner": f"{contract.owner.team}; alerts go to {contract.owner.alerts}",
        "load": f"`{contract.load}`: {_LOADS[contract.load]}",
        "from": _links(contract.sources, "source-"),
        "looks up": _links(contract.lookup, "source-"),
        "derived from": _links(contract.derived_from),
        "reads": _links(contract.reads),
        "partitioned by": ", ".join(f"`{transform}`" for transform in contract.partition_by),
        "sorted by": ", ".join(f"`{name}`" for name in contract.sort_by),
        "in Snowflake": f"`LIVE.{contract.dataset.upper()}`, read by {', '.join(contract.serve.readers) or 'nobody'}",
    }
    yield from _table(["", ""], ([name, value] for name, value in facts.items() if value))
    heads = ["column", "type", "Snowflake type", "unit", "meaning"]
    yield from _table(heads, (_column(column, contract) for column in contract.columns))
    rules = [[promise_of(rule), consequence_of(rule)] for rule in contract.audit]
    if total := contract.control_total:
        said = f"Rows and the sum of `{total.sum}` per `{total.date}` and `{total.by}` agree with what"
        broken = "a date that the source calls closed blocks; any other is not yet verified"
        rules.append([f"{said} [{total.source}](#source-{total.source}) sealed.", broken])
    yield from _table(["what holds", "when it does not"], rules)


def _links(names: Iterable[str], prefix: str = "") -> str:
    return ", ".join(f"[{name}](#{prefix}{name})" for name in names)


def _column(column: Column, contract: Contract) -> list[str]:
    notes = [" ".join(column.doc.split())]
    if column.domain:
        notes.append(f"Domain {column.domain}.")
    if policy := contract.serve.masking.get(column.name):
        notes.append(f"Masked by `{policy}`.")
    if column.immutable:
        notes.append("Never changes.")
    name = f"**`{column.name}`**" if column.name in contract.grain else f"`{column.name}`"
    return [name, column.type, snowflake_type(column.type), column.unit or "", " ".join(notes)]


def _source(source: Source) -> Iterator[str]:
    yield from (f"### Source {source.source}", "", " ".join(source.doc.split()), "")
    how = {"whole": "read whole; what differs lands", "changes": f"what changed by `{source.changed_by}` lands"}
    key = ", ".join(f"`{name}`" for name in source.key)
    yield from (f"Table `{source.table}`, key {key}; {how[source.extract]}.", "")
    yield from _table(["column", "type", "class", "lands as", "meaning"], map(_source_column, source.columns))


def _source_column(column: SourceColumn) -> list[str]:
    lands = {
        "value": f"`{column.landed_name}`",
        "hash": f"`{column.landed_name}`, keyed hash of domain {column.domain}",
        "drop": "nothing",
    }
    return [f"`{column.name}`", column.type, column.sensitivity, lands[column.land], " ".join(column.doc.split())]


def _table(heads: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
    yield ""
