"""Whether restricted personal data stays out of curated datasets, under whatever name it has.

Classes belong to what a value identifies, not to one column: a plain copy in one table undoes the hash in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from calve.contract.checks.declared import Declarations
from calve.contract.document import Draft
from calve.contract.mistakes import Loc, Mistake, hint, listed


@dataclass(frozen=True)
class Restricted:
    """A restricted column of a source."""

    source: str
    land: str
    domain: str | None
    key: str


def privacy_mistakes(all_: Declarations) -> Iterator[Mistake]:
    """Yield the mistakes about restricted columns and domains."""
    restricted = _restricted(all_)
    for draft in all_.drafts["source"]:
        yield from _plain_copies(draft, restricted)
    domains = sorted(
        {d for s in all_.drafts["source"] for _, c in s.mappings("columns") if isinstance(d := c.get("domain"), str)}
    )
    keys = {r.key: r for r in restricted.values() if r.land == "hash"}
    for draft in all_.contracts:
        for loc, column in draft.mappings("columns"):
            yield from _column(draft, loc, column, restricted)
            yield from _domain(draft, loc, column, domains, keys)


def _restricted(all_: Declarations) -> dict[str, Restricted]:
    found: dict[str, Restricted] = {}
    for name, draft in all_.named("source").items():
        for _, column in draft.mappings("columns"):
            if column.get("class") == "restricted":
                own, domain = str(column.get("name")), column.get("domain")
                land = str(column.get("land", "value"))
                key = own.removesuffix("_id") + "_key"
                one = Restricted(name, land, domain if isinstance(domain, str) else None, key)
                if own not in found or (land == "hash" and found[own].land != "hash"):
                    found[own] = one
    return found


def _plain_copies(draft: Draft, restricted: Mapping[str, Restricted]) -> Iterator[Mistake]:
    for loc, column in draft.mappings("columns"):
        other = restricted.get(str(column.get("name")))
        if other is None or other.land != "hash" or column.get("land") == "drop":
            continue
        if column.get("class") != "restricted":
            text = f"is restricted in source {other.source} and would land as it is here"
            fix = f"write class: restricted, land: hash, domain: {other.domain}"
            yield draft.mistake(loc, f"column {column['name']} {text}; {fix}")
        elif column.get("land") == "hash" and column.get("domain") not in (other.domain, None):
            text = f"found domain {column['domain']}, expected {other.domain} as in source {other.source}"
            yield draft.mistake((*loc, "domain"), f"{text}; equal values must have equal hashes")


def _column(
    draft: Draft, loc: Loc, column: Mapping[str, object], restricted: Mapping[str, Restricted]
) -> Iterator[Mistake]:
    name = str(column.get("name"))
    if name in restricted:
        other = restricted[name]
        hashed = f"use its keyed hash {other.key} (domain: {other.domain})"
        fix = hashed if other.land == "hash" else "it does not land; take it out"
        yield draft.mistake((*loc, "name"), f"'{name}' is restricted in source {other.source}; {fix}")


def _domain(
    draft: Draft, loc: Loc, column: Mapping[str, object], domains: list[str], keys: Mapping[str, Restricted]
) -> Iterator[Mistake]:
    name, domain = str(column.get("name")), column.get("domain")
    if domain is None and name in keys:
        text = f"holds the keyed hash of domain {keys[name].domain} (source {keys[name].source}), expected it to say so"
        yield draft.mistake(loc, f"{text}; add domain: {keys[name].domain}")
    if not isinstance(domain, str):
        return
    if column.get("type") != "string":
        yield draft.mistake((*loc, "type"), f"found {column.get('type')}, expected string: a keyed hash is a text")
    if domain not in domains:
        text = f"found '{domain}', expected a domain that a source hashes: {listed(domains)}{hint(domain, domains)}"
        yield draft.mistake((*loc, "domain"), text)
