"""What an alert is. Its key names the cause: whoever sees the same cause again makes the same key.

The key holds no attempt, no task and no clock, so that retries, other processes and later days raise the same alert.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from calve.redaction import redacted
from calve.runs import ALL, Interval, Run

Kind = Literal["blocked", "anomaly", "overdue", "failed"]
Severity = Literal["critical", "error", "warning", "info"]
Event = Literal["opened", "recovered"]

KINDS: tuple[Kind, ...] = get_args(Kind)
# The heaviest first.
SEVERITY_ORDER: tuple[Severity, ...] = get_args(Severity)
# What each kind weighs unless iceberg/alerts.yaml says otherwise.
SEVERITIES: dict[Kind, Severity] = {
    "blocked": "error",
    "anomaly": "warning",
    "overdue": "critical",
    "failed": "error",
}
LONGEST_KEY = 200
LONGEST_TITLE, LONGEST_CAUSE, LONGEST_COMMAND, LONGEST_LINK, MOST_LINES = 240, 2000, 400, 500, 8


@dataclass(frozen=True)
class Link:
    """Where to look further."""

    text: str
    href: str


@dataclass(frozen=True)
class Alert:
    """One cause, in words for the person who is called.

    Attributes:
        owners: Names as `owner.alerts` of contracts and pipelines has them; a route to any of them gets it.
        title: One line.
        cause: Why, with counts; a few lines, never a value of a row.
        part: Dataset of an anomaly, or the step that failed after publication; empty for the run as a whole.
        commands: What to type, in order.
        severity: None means what the kind weighs.
    """

    kind: Kind
    pipeline: str
    interval: Interval
    owners: tuple[str, ...]
    title: str
    cause: str
    run_key: str | None = None
    part: str = ""
    commands: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    severity: Severity | None = None

    @property
    def scope(self) -> str:
        """Return the scope of the run that it is about."""
        return Run.parse(self.run_key).scope if self.run_key else ALL

    @property
    def weight(self) -> Severity:
        """Return the severity, or else the one of the kind."""
        return self.severity or SEVERITIES[self.kind]

    @property
    def key(self) -> str:
        """Return what names the cause: kind, pipeline, and the step, the dataset, or the first day.

        Days that fail or stay away together are one cause, named by the first: the range grows, the key stays. A step
        or a dataset is what is wrong by itself, on whichever day it is seen.
        """
        is_step = self.kind == "failed" and bool(self.part)
        scope = "" if self.scope == ALL or is_step else f"[{self.scope}]"
        key = f"{self.kind}:{self.pipeline}:{self.part or self.interval.since.date()}{scope}"
        if len(key) <= LONGEST_KEY:
            return key
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        return f"{key[: LONGEST_KEY - len(digest) - 1]}:{digest}"

    def cleared(self) -> Alert:
        """Return the same without anything that looks like a secret, each text cut to what every route takes."""
        return replace(
            self,
            title=cut(" ".join(redacted(self.title).split()), LONGEST_TITLE),
            cause=cut(redacted(self.cause).strip(), LONGEST_CAUSE),
            commands=tuple(cut(redacted(each), LONGEST_COMMAND) for each in self.commands[:MOST_LINES]),
            # An address that is cut leads nowhere.
            links=tuple(
                Link(cut(redacted(each.text), LONGEST_TITLE), redacted(each.href))
                for each in self.links[:MOST_LINES]
                if len(redacted(each.href)) <= LONGEST_LINK
            ),
        )


@dataclass(frozen=True)
class Kept:
    """An alert as the records keep it.

    Attributes:
        key: Names the cause.
        opening: 1; one more each time that the cause came back after its recovery was told.
        times: How often it was raised.
        recovery: How it ended; None while it goes on.
    """

    number: int
    key: str
    opening: int
    alert: Alert
    times: int
    raised_at: datetime
    recovered_at: datetime | None
    recovery: str | None

    @property
    def incident(self) -> str:
        """Return the name of exactly this opening, for services that fold what has the same name."""
        return self.key if self.opening == 1 else f"{self.key}:{self.opening}"


def cut(text: str, longest: int) -> str:
    """Return a text that is at most so long; what is left out shows as dots."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
