"""Deploy the views of `iceberg/views/*.sql` into REPORTING, each after those that it reads.

A view is replaced, with COPY GRANTS, only when its text changed. A view that is not ours is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from calve.contract.order import cycle_in, in_order
from calve.effects import effect
from calve.errors import ContractError
from calve.warehouse.connection import execute, refusal
from calve.warehouse.names import REPORTING, Names, identifier

_HEAD = re.compile(r"create\s+or\s+replace\s+view\s+reporting\.(\w+)\s+as\b", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_REFERENCE = re.compile(r"\b(live|reporting)\.(\w+)\b", re.IGNORECASE)
# Tells our views from those that somebody else made in REPORTING; stays in the text that Snowflake keeps.
_MARK = "/* calve */"


@dataclass(frozen=True)
class View:
    """One view as its file declares it.

    Attributes:
        body: Everything after `as`.
        tables: Tables of LIVE that it names, by Snowflake's name.
        views: Views of REPORTING that it names.
    """

    name: str
    doc: str
    body: str
    tables: frozenset[str]
    views: frozenset[str]

    def statement(self, names: Names) -> str:
        """Return the statement that creates or replaces it."""
        full_name = names.table(REPORTING, self.name)
        return f"CREATE OR REPLACE VIEW {full_name} COPY GRANTS AS {_MARK}\n{self.body}"


def read_views(folder: Path) -> tuple[View, ...]:
    """Read the view files, each after those that it needs.

    Raises:
        ContractError: A file is no view of its own name, or views refer to each other in a circle.
    """
    views = {view.name: view for view in (_view(file) for file in sorted(folder.glob("*.sql")))}
    for view in views.values():
        if absent := sorted(view.views - views.keys()):
            msg = f"view {view.name.lower()}: found reporting.{absent[0].lower()}, expected a view of {folder}; add it"
            raise ContractError(msg)
    edges = {name: sorted(view.views) for name, view in views.items()}
    if cycle := cycle_in(edges):
        msg = f"views of {folder}: found {' -> '.join(cycle).lower()}, expected no circle; take one reference out"
        raise ContractError(msg)
    return tuple(views[name] for name in in_order(edges))


def _view(file: Path) -> View:
    text = file.read_text()
    match = _HEAD.search(text)
    if match is None or match[1].lower() != file.stem:
        msg = f"{file}: found no `create or replace view reporting.{file.stem} as`, expected it; rename one of both"
        raise ContractError(msg)
    body = text[match.end() :].strip().rstrip(";").strip()
    doc = " ".join(line.removeprefix("--").strip() for line in text[: match.start()].strip().splitlines())
    references = [(schema.lower(), identifier(name)) for schema, name in _REFERENCE.findall(_bare(body))]
    return View(
        identifier(file.stem),
        doc,
        body,
        frozenset(name for schema, name in references if schema == "live"),
        frozenset(name for schema, name in references if schema == "reporting"),
    )


def _bare(sql: str) -> str:
    return _LITERAL.sub("''", _COMMENT.sub(" ", sql))


def tables_under(views: Iterable[View]) -> dict[str, frozenset[str]]:
    """Return for each view the tables of LIVE that it reads, through other views too; views come in order."""
    found: dict[str, frozenset[str]] = {}
    for view in views:
        found[view.name] = view.tables.union(*(found[name] for name in view.views))
    return found


def deployed(conn: SnowflakeConnection, names: Names) -> dict[str, str]:
    """Return the texts of our views in REPORTING."""
    rows = execute(conn, f"SHOW VIEWS IN SCHEMA {names.schema(REPORTING)}")
    return {row["name"]: row["text"] for row in rows if _MARK in row["text"]}


def tables_still_read(texts: Mapping[str, str]) -> frozenset[str]:
    """Return the tables of LIVE that deployed views name: they stay until the views are replaced."""
    found = (_REFERENCE.findall(_bare(text)) for text in texts.values())
    return frozenset(name.upper() for references in found for schema, name in references if schema.lower() == "live")


def outdated(views: Iterable[View], texts: Mapping[str, str], names: Names) -> list[View]:
    """Return the views whose deployed text is not that of their file."""
    return [view for view in views if _normal(texts.get(view.name, "")) != _normal(view.statement(names))]


def ready(views: Iterable[View], present: frozenset[str]) -> list[View]:
    """Return the views whose tables LIVE holds; one of a dataset that was never published waits for it."""
    ordered = list(views)
    under = tables_under(ordered)
    return [view for view in ordered if under[view.name] <= present]


def deploy(conn: SnowflakeConnection, names: Names, views: Iterable[View], *, declared: frozenset[str]) -> list[str]:
    """Replace the views whose text changed, drop ours that have no file any more, and return both.

    Args:
        declared: Names of all views that have a file, those that wait included.
    """
    texts = deployed(conn, names)
    changed = sorted(texts.keys() - declared)
    for name in changed:
        with effect("view.drop"):
            execute(conn, f"DROP VIEW IF EXISTS {names.table(REPORTING, name)}")
    for view in outdated(views, texts, names):
        statement = view.statement(names)
        try:
            with effect("view.replace"):
                execute(conn, statement)
        except ProgrammingError as error:
            raise refusal(statement, error, advice=f"correct iceberg/views/{view.name.lower()}.sql") from error
        changed.append(view.name)
    return changed


def _normal(text: str) -> str:
    return " ".join(text.split()).rstrip("; ")
