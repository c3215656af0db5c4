"""Whether files name each other rightly: sources, datasets, pipelines; and nothing waits for itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from calve.contract.checks.declared import NAMED_BY, Declarations, landed_columns
from calve.contract.document import Draft
from calve.contract.mistakes import Loc, Mistake, hint, listed
from calve.contract.order import cycle_in


def reference_mistakes(all_: Declarations) -> Iterator[Mistake]:
    """Yield the mistakes in what refers to another file."""
    yield from _names(all_)
    for draft in all_.contracts:
        yield from _sources(draft, all_)
        yield from _siblings(draft, all_)
        yield from _reads(draft, all_)
        yield from _touched(draft, all_)
    for draft in all_.drafts["source"]:
        yield from _part_of(draft, all_)
    for draft in all_.drafts["pipeline"]:
        for loc, name in draft.texts("needs"):
            yield from all_.unknown("pipeline", draft, loc, name)
    yield from _shared(all_)
    yield from _cycles(all_)
    yield from _idle_pipelines(all_)


def _names(all_: Declarations) -> Iterator[Mistake]:
    first: dict[str, tuple[str, str]] = {}
    for kind, field in NAMED_BY.items():
        for draft in all_.drafts[kind]:
            name, stem = draft.text(field), PurePosixPath(draft.file).stem
            if name is None:
                continue
            if kind != "pipeline" and name != stem:
                text = f"found '{name}' in {stem}.yaml, expected '{stem}'; give file and {field} one name"
                yield draft.mistake((field,), text)
            where = f"{draft.file}:{draft.mistake((field,), '').line}"
            known = first.setdefault(name, (kind, where))
            if known[1] != where and "pipeline" in (kind, known[0]) and kind != known[0]:
                continue  # a pipeline may be called like one of its datasets
            if known[1] != where:
                yield draft.mistake((field,), f"'{name}' is a {known[0]} already ({known[1]}); take another name")


def _sources(draft: Draft, all_: Declarations) -> Iterator[Mistake]:
    for loc, name in named_sources(draft):
        yield from all_.unknown("source", draft, loc, name)
    looked_up = {name: loc for loc, name in draft.texts("lookup")}
    for _, name in draft.texts("from"):
        if name in looked_up:
            yield draft.mistake(looked_up[name], f"'{name}' is in `from` already; keep it in one of them")
    if (pipeline := draft.text("pipeline")) is not None:
        yield from all_.unknown("pipeline", draft, ("pipeline",), pipeline)


def named_sources(draft: Draft) -> list[tuple[Loc, str]]:
    """Return the sources that a contract names, with their locations."""
    return [*draft.texts("from"), *draft.texts("lookup"), *draft.texts("control_total", "source")]


def _siblings(draft: Draft, all_: Declarations) -> Iterator[Mistake]:
    contracts = all_.named("contract")
    for loc, name in draft.texts("derived_from"):
        yield from all_.unknown("contract", draft, loc, name)
        other = contracts[name].text("pipeline") if name in contracts else None
        known = {other, draft.text("pipeline")} <= set(all_.names("pipeline"))
        if known and other != draft.text("pipeline"):
            text = f"{name} is of pipeline {other}, expected a dataset of {draft.text('pipeline')}; put it in `reads`"
            yield draft.mistake(loc, text)


def _reads(draft: Draft, all_: Declarations) -> Iterator[Mistake]:
    mine = draft.text("pipeline")
    pipeline = all_.named("pipeline").get(mine or "")
    needs = [name for _, name in pipeline.texts("needs")] if pipeline else []
    contracts = all_.named("contract")
    for loc, name in draft.texts("reads"):
        yield from all_.unknown("contract", draft, loc, name)
        other = contracts[name].text("pipeline") if name in contracts else None
        if other is None or pipeline is None or other not in all_.names("pipeline"):
            continue
        if other == mine:
            yield draft.mistake(loc, f"{name} is of this pipeline, expected one of {listed(needs)}; use `derived_from`")
        elif other not in needs and set(needs) <= set(all_.names("pipeline")):
            text = f"{name} is of pipeline {other}, which {mine} does not need; add `needs: [{other}]` to {mine}"
            yield draft.mistake(loc, text)


def _touched(draft: Draft, all_: Declarations) -> Iterator[Mistake]:
    sources = all_.named("source")
    for loc, name in draft.texts("touched_by"):
        for _, source in (*draft.texts("from"), *draft.texts("lookup")):
            landed = landed_columns(sources[source]) if source in sources else {name: ""}
            if name not in landed:
                text = f"source {source} lands no '{name}', expected it in all of `from` and `lookup`"
                yield draft.mistake(loc, f"{text}; it lands {listed(landed)}{hint(name, landed)}")


def _part_of(draft: Draft, all_: Declarations) -> Iterator[Mistake]:
    sources = all_.named("source")
    for loc, name in draft.texts("part_of", "source"):
        yield from all_.unknown("source", draft, loc, name)
        for place, by in draft.texts("part_of", "by") if name in sources else ():
            mine, theirs = landed_columns(draft), landed_columns(sources[name])
            key = [column for _, column in sources[name].texts("key")]
            if by not in mine:
                yield draft.mistake(place, f"found '{by}', expected one of {listed(mine)}{hint(by, mine)}")
            elif key != [by] or by not in theirs:
                text = f"found '{by}', expected the key of {name}, {listed(key)}; name the source that has that key"
                yield draft.mistake(place, text)


def _shared(all_: Declarations) -> Iterator[Mistake]:
    """A source's watermark advances with one pipeline; a second would skip what the first has landed."""
    owner: dict[str, tuple[str, str]] = {}
    for draft in all_.contracts:
        pipeline = draft.text("pipeline")
        for loc, name in named_sources(draft) if pipeline else ():
            dataset = str(draft.text("dataset"))
            first, by = owner.setdefault(name, (str(pipeline), dataset))
            if first != pipeline:
                text = f"source {name} belongs to pipeline {first} (dataset {by}), expected one pipeline per source"
                yield draft.mistake(loc, f"{text}; read a dataset of {first} instead")


def _cycles(all_: Declarations) -> Iterator[Mistake]:
    """Nothing waits for itself: not by what it is made of, not by what its rows refer to."""
    for kind in ("contract", "pipeline", "source"):
        drafts = all_.named(kind)
        waits = {name: _waits_for(draft, name) for name, draft in drafts.items()}
        while ring := cycle_in({name: list(places) for name, places in waits.items()}):
            loc = waits[ring[0]].pop(ring[1])
            text = f"waits for itself: {' → '.join(ring)}; take one of these out"
            yield drafts[ring[0]].mistake(loc, text)


def _waits_for(draft: Draft, own: str) -> dict[str, Loc]:
    named = [place for field in ("derived_from", "reads", "needs") for place in draft.texts(field)]
    named += draft.texts("part_of", "source")
    rules = [place for loc, _ in draft.mappings("audit") for place in draft.texts(*loc, "to")]
    # A rule that refers to its own dataset is told as such by the checks of rules.
    return {name: loc for loc, name in (*(r for r in rules if r[1] != own), *named)}


def _idle_pipelines(all_: Declarations) -> Iterator[Mistake]:
    used = {draft.text("pipeline") for draft in all_.contracts}
    can_tell = used <= set(all_.named("pipeline")) and not all_.unreadable["contract"]
    for name, draft in all_.named("pipeline").items():
        if name not in used and can_tell and name != all_.filling:
            text = f"no contract is of pipeline '{name}'; add one (calve new) or take the pipeline out"
            yield draft.mistake(("pipeline",), text)
