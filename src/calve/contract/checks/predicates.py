"""Whether the SQL that a contract holds can be asked: it parses as Spark SQL, and names only columns that are there.

Reads the text and never runs it. Functions and types are not looked up: Spark alone knows all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from calve.contract.checks.declared import Declarations, rule_kind, typed_columns
from calve.contract.document import Draft
from calve.contract.mistakes import Loc, Mistake, hint, listed, shown
from calve.contract.rules import KINDS

if TYPE_CHECKING:
    from sqlglot import exp

# Which fields of which kind of rule hold SQL.
_FIELDS = {"sql": ("sql",), "conserve": ("equals", "where")}
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`", re.DOTALL)
_TOKEN = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
TOKENS = ("since", "until")


def predicate_mistakes(all_: Declarations) -> Iterator[Mistake]:
    """Yield the mistakes in SQL."""
    for draft in all_.contracts:
        for loc, rule in draft.mappings("audit"):
            kind = rule_kind(rule, KINDS) or ""
            for field in _FIELDS.get(kind, ()):
                place = (*loc, field)
                text = draft.text(*place)
                if text is None:
                    continue
                found = [*_form(draft, place, text), *_tokens(draft, place, text, known=kind == "sql")]
                yield from found or _read(draft, place, text, _columns(draft, loc, kind, all_))


def _columns(draft: Draft, loc: Loc, kind: str, all_: Declarations) -> tuple[str, list[str]]:
    """Return what the columns are called that an expression may name, and their names; none when nobody can tell."""
    if kind == "sql":
        return "a declared column", list(typed_columns(draft))
    sibling = draft.text(*loc, "of") or ""
    other = all_.named("contract").get(sibling)
    return f"a column of {sibling}", list(typed_columns(other)) if other else []


def _form(draft: Draft, loc: Loc, text: str) -> Iterator[Mistake]:
    bare = _QUOTED.sub(" ", text)
    wrong = next((mark for mark in "'\"`" if mark in bare), None)
    if wrong:
        yield draft.mistake(loc, f"found a {wrong} that is never closed in {shown(text)}; close it")
    elif bare.count("(") != bare.count(")"):
        found = f"{bare.count('(')} '(' and {bare.count(')')} ')'"
        yield draft.mistake(loc, f"found {found} in {shown(text)}, expected as many; close each bracket")
    if ";" in bare:
        yield draft.mistake(loc, f"found ';' in {shown(text)}, expected one predicate; take it out")
    if "--" in bare or "/*" in bare:
        found = f"found a comment in {shown(text)}, expected one predicate"
        yield draft.mistake(loc, f"{found}; write the comment in YAML, after #")


def _tokens(draft: Draft, loc: Loc, text: str, *, known: bool) -> Iterator[Mistake]:
    for name in _TOKEN.findall(_QUOTED.sub(" ", text)):
        if name not in TOKENS:
            yield draft.mistake(loc, f"found ':{name}', expected :since or :until; take one of them")
        elif not known:
            yield draft.mistake(loc, f"found ':{name}', which only a rule `sql` knows; take it out")


def _read(draft: Draft, loc: Loc, text: str, columns: tuple[str, list[str]]) -> Iterator[Mistake]:
    from sqlglot import exp
    from sqlglot.errors import ParseError, SqlglotError

    try:
        tree = _parsed(text)
    except SqlglotError as error:
        near = error.errors[0].get("highlight") if isinstance(error, ParseError) and error.errors else None
        where = f"can't be read from '{near}' on" if near else "can't be read"
        yield draft.mistake(loc, f"found {shown(text)}, expected one expression of Spark SQL; it {where}, correct it")
        return
    if tree.find(exp.Query):
        found = f"found a query in {shown(text)}, expected an expression over one row"
        yield draft.mistake(loc, f"{found}; look it up in the transform")
        return
    what, known = columns
    for written, name in _named(tree):
        is_there = name.lower() in {column.lower() for column in known}
        if known and not (is_there and written == name):
            alone = " by its name alone" if is_there else ""
            yield draft.mistake(loc, f"found '{written}', expected {what}{alone}: {listed(known)}{hint(name, known)}")


def _parsed(text: str) -> exp.Condition:
    """Return the expression that a text is; sqlglot is imported only where there is SQL, since it takes its time."""
    import sqlglot
    from sqlglot import exp

    return sqlglot.parse_one(text, read="spark", into=exp.Condition)


def _named(tree: exp.Condition) -> list[tuple[str, str]]:
    """Return the columns that an expression names, as they are written and without qualifiers, each once.

    Spark does not tell `amount` from `Amount`.
    """
    from sqlglot import exp

    found: dict[str, tuple[str, str]] = {}
    for column in tree.find_all(exp.Column):
        written = ".".join(part.name for part in column.parts)
        found.setdefault(written.lower(), (written, column.name))
    return list(found.values())
