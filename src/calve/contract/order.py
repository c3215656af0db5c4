"""What comes before what. Names in, names out; knows nothing of contracts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def in_order(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the keys, each after those that it names; the same input always gives the same order.

    Args:
        edges: Each name with the names that come before it; names that are no keys are left out.
    """
    sorter = TopologicalSorter({name: sorted(set(edges[name]) & set(edges)) for name in sorted(edges)})
    return list(sorter.static_order())


def cycle_in(edges: Mapping[str, Iterable[str]]) -> list[str] | None:
    """Return a cycle as the names along it, first name last again; None when there is none."""
    try:
        in_order(edges)
    except CycleError as error:
        found: list[str] = error.args[1]
        ring = list(reversed(found[:-1]))  # graphlib tells it from the needed to the needing
        start = ring.index(min(ring))
        return [*ring[start:], *ring[:start], min(ring)]
    return None
