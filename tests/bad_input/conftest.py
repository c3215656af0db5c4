"""A machine whose lake is published and served; whatever bad input it is given, it must lose nothing of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "kill"))

from machine import FIRST_DAYS, Ended, Machine, fill, machine


@pytest.fixture(scope="package")
def published() -> Iterator[Machine]:
    """The machine. Both pipelines are published up to a day, and Snowflake serves them."""
    with machine() as made:
        fill(made, FIRST_DAYS)
        made.done("run", "--until", FIRST_DAYS)
        yield made


def everything(made: Machine) -> object:
    """Return what readers of the lake and of Snowflake could see change, and who holds a lease."""
    served = made.snowflake("select dataset, publication, snapshot_id from live.publication where is_served")
    pointers = {
        (namespace, name): table.metadata.refs["main"].snapshot_id
        for namespace in ("curated", "quarantine")
        for name, table in made.tables(namespace).items()
    }
    numbers = {name: each.number for name, each in made.publications().items()}
    return sorted(map(str, served)), pointers, numbers, made.running()


@pytest.fixture
def losing_nothing(published: Machine) -> Iterator[Machine]:
    """The same; that all is as it was is checked after the test."""
    before = everything(published)
    yield published
    assert everything(published) == before


@pytest.fixture
def refuses() -> Callable[[Ended, int], str]:
    """Return a function that checks how a command ended and gives what it told the person."""

    def check(ended: Ended, code: int) -> str:
        said = ended.out + ended.err
        assert ended.code == code, said
        assert "Traceback" not in said
        told = [line for line in said.splitlines() if line.startswith("calve: ")]
        assert told, said
        return "\n".join(told) + "\n" + ended.err

    return check
