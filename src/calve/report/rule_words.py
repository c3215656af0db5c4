"""Audit rules in words that a reader of data understands. Says what holds, never how it is computed."""

from __future__ import annotations

from calve.contract.rules import (
    Between,
    Budget,
    Complete,
    Conserve,
    Drift,
    Fresh,
    Matches,
    OneOf,
    Refers,
    Rule,
    Sql,
    Unique,
    Volume,
)


def promise_of(rule: Rule) -> str:
    """Return what the rule promises, as Markdown."""
    if isinstance(rule, Complete | Between | OneOf | Matches | Sql | Refers):
        return _of_rows(rule)
    return _of_all(rule)


def consequence_of(rule: Rule) -> str:
    """Return what happens to rows or run when the rule is broken."""
    if rule.severity == "quarantine":
        return f"the rows go to quarantine; {_allowed(rule.budget)}"
    return {"block": "nothing is published", "warn": "published, with a warning"}[rule.severity]


def _of_rows(rule: Complete | Between | OneOf | Matches | Sql | Refers) -> str:
    if isinstance(rule, Complete):
        share = "Always" if rule.min_percent == 100 else f"In {rule.min_percent:g} % of rows"  # noqa: PLR2004
        return f"{share} known: {_names(rule.complete)}."
    if isinstance(rule, Between):
        bounds = [f"at least {rule.min}"] if rule.min is not None else []
        bounds += [f"at most {rule.max}"] if rule.max is not None else []
        return f"`{rule.between}` is {' and '.join(bounds)}."
    if isinstance(rule, OneOf):
        return f"`{rule.one_of}` is one of {_names(rule.values)}."
    if isinstance(rule, Matches):
        return f"`{rule.matches}` has the form `{rule.pattern}`."
    if isinstance(rule, Refers):
        return f"`{rule.refers}` is found in [{rule.to}](#{rule.to})."
    return f"`{rule.sql}`"


def _of_all(rule: Unique | Volume | Drift | Fresh | Conserve) -> str:
    if isinstance(rule, Unique):
        return f"No two rows share {_names(rule.unique, ' and ')}."
    if isinstance(rule, Volume):
        part = f" of each `{rule.per}`" if rule.per else ""
        upper = "" if rule.max_percent is None else f" and at most {rule.max_percent:g} %"
        usual = "the median of the same weekday in the four weeks before"
        small = f" (where that is {rule.min_expected} or more)" if rule.min_expected > 1 else ""
        return f"Rows per UTC day of `{rule.volume}`{part}: at least {rule.min_percent:g} %{upper} of {usual}{small}."
    if isinstance(rule, Drift):
        change = f"by at most {rule.max_percent:g} % against the four weeks before"
        return f"The mean of `{rule.drift}` of each `{rule.per}` moves {change} (from {rule.min_rows} rows on)."
    if isinstance(rule, Fresh):
        return f"The newest `{rule.fresh}` lies within {rule.hours:g} hours of the interval's end."
    where = "" if rule.where == "true" else f" where `{rule.where}`"
    return f"The sum of `{rule.conserve}` equals that of `{rule.equals}` in [{rule.of}](#{rule.of}){where}."


def _allowed(budget: Budget) -> str:
    if budget == Budget():
        return "one is enough to publish nothing"
    parts = [f"{budget.percent:g} %"] if budget.percent else []
    parts += [f"{budget.rows} rows"] if budget.rows else []
    return f"above {' and '.join(parts)} nothing is published"


def _names(names: tuple[str, ...], last: str = ", ") -> str:
    return last.join(f"`{name}`" for name in names)
