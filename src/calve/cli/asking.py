"""How a command asks for runs: options that `calve run` and `calve manifest` share, and the request that they mean.

Imports nothing heavy, so that it can be used where there is no engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from calve.errors import IntervalError
from calve.planning import Request
from calve.runs import ALL, Interval

F = TypeVar("F", bound=Callable[..., Any])

_AGAIN = (
    click.option("--scope", metavar="COLUMN=VALUE", help="Make only this part of a published interval again."),
    click.option("--reprocess", is_flag=True, help="Make a published interval again, from raw, as a new generation."),
    click.option(
        "--reload", is_flag=True, help="The same, after reading the sources whole: what changed unnoticed lands."
    ),
    click.option(
        "--datasets",
        metavar="NAME[,NAME…]",
        help="With --reprocess: compute only these anew, and what is derived from them as far as they change.",
    ),
)


@dataclass(frozen=True)
class _Again:
    """What a person asks to be made again."""

    scope: str | None
    reprocess: bool
    datasets: str | None
    reload: bool

    def must_agree(self, interval: str | None) -> None:
        """Refuse options that exclude each other, or that need another."""
        if self.reprocess and (self.reload or self.scope):
            other = "reload" if self.reload else "scope"
            msg = f"run: --reprocess computes everything, --{other} a part; give one of them"
            raise IntervalError(msg)
        if self.datasets is not None and not self.reprocess:
            msg = "run: --datasets says what to compute anew; add --reprocess, or leave it out"
            raise IntervalError(msg)
        given = [name for name in ("scope", "reprocess", "reload") if getattr(self, name)]
        if given and not interval:
            msg = f"run: --{given[0]} needs to know what; add --interval"
            raise IntervalError(msg)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of `--datasets`."""
        if self.datasets is None:
            return ()
        names = tuple(name.strip() for name in self.datasets.split(","))
        if not all(names):
            msg = f"run: --datasets '{self.datasets}': found an empty name, expected NAME,NAME"
            raise IntervalError(msg)
        return names


def made_again(command: F) -> F:
    """Give a command the options that make a published interval again, wholly or in part."""
    for option in reversed(_AGAIN):
        command = option(command)
    return command


def request(pipelines: tuple[str, ...], *, interval: str | None, until: str | None = None, **options: Any) -> Request:
    """Return the request that the options mean.

    Args:
        options: Those of `made_again`.

    Raises:
        IntervalError: Options that exclude each other, or that need an interval.
    """
    if interval and until:
        msg = "run: both --interval and --until are given; give one of them"
        raise IntervalError(msg)
    again = _Again(**options)
    again.must_agree(interval)
    return Request(
        pipelines=pipelines,
        interval=Interval.parse(interval) if interval else None,
        until=Interval.parse_day(until) if until else None,
        scope=again.scope or ALL,
        mode="reprocess" if again.reprocess else "reload" if again.reload else "changes",
        datasets=again.names,
    )
