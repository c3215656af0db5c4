"""What a sender says when a route did not take a message. No word of it holds an address's secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

# Of one wait for a server. A message has at most ten or so, so that a claim outlives them.
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Refusal:
    """Why not, and how long the route asks to be left alone."""

    error: str
    after: timedelta | None = None


def asked_pause(header: str | None) -> timedelta | None:
    """Read `Retry-After`: seconds; anything else counts as not said."""
    return timedelta(seconds=int(header)) if header and header.isdecimal() and len(header) < 7 else None  # noqa: PLR2004
