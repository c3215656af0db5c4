"""How a command asks for runs: options that `calve run` and `calve manifest` share, and the request that they mean.

Imports nothing heavy, so that it can be used where there is no engine.
"""

from __future__ import annotations

from collections.abc import Callable
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
)


def made_again(command: F) -> F:
    """Give a command the options that make a published interval again: `--scope`, `--reprocess`, `--reload`."""
    for option in reversed(_AGAIN):
        command = option(command)
    return command


def request(
    pipelines: tuple[str, ...],
    *,
    interval: str | None,
    scope: str | None,
    reprocess: bool,
    reload: bool,
    until: str | None = None,
) -> Request:
    """Return the request that the options mean.

    Raises:
        IntervalError: Options that exclude each other, or that need an interval.
    """
    if interval and until:
        msg = "run: both --interval and --until are given; give one of them"
        raise IntervalError(msg)
    if reprocess and (reload or scope):
        msg = f"run: --reprocess computes everything, --{'reload' if reload else 'scope'} a part; give one of them"
        raise IntervalError(msg)
    again = [f"--{name}" for name, asked in (("scope", scope), ("reprocess", reprocess), ("reload", reload)) if asked]
    if again and not interval:
        msg = f"run: {again[0]} needs to know what; add --interval"
        raise IntervalError(msg)
    return Request(
        pipelines=pipelines,
        interval=Interval.parse(interval) if interval else None,
        until=Interval.parse_day(until) if until else None,
        scope=scope or ALL,
        mode="reprocess" if reprocess else "reload" if reload else "changes",
    )
