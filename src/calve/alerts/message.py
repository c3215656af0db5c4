"""What a person reads, the same on every route: what happened, why, what to type, where to look.

Plain words; each sender only gives them its own form.
"""

from __future__ import annotations

from dataclasses import dataclass

from calve.alerts.alert import Alert, Event, Kept, Link, Severity

LABELS = {
    "blocked": "the audit blocked the run; readers still see the previous publication",
    "anomaly": "published, with a warning",
    "overdue": "nothing was published by the agreed hour",
    "failed": "the job failed without a verdict; readers see nothing of it",
}
_PAGE = "alerts.md"
# A step after publication failed: what it says of readers is not what a failed run says.
_LATER_STEP = "a step after the publication failed"


@dataclass(frozen=True)
class Message:
    """One message, free of secrets, each text within its budget.

    Attributes:
        source: Name of the installation; told so that two of them can share a channel.
        incident: Names this opening of this cause, in all installations.
        facts: Short pairs of name and value.
    """

    source: str
    incident: str
    event: Event
    severity: Severity
    subject: str
    meaning: str
    cause: str
    facts: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    links: tuple[Link, ...]
    kind: str
    pipeline: str

    def as_text(self) -> str:
        """Return all of it as plain text."""
        parts = [self.subject, self.meaning, self.cause]
        if self.commands:
            parts.append("\n".join(["What to type:", *(f"  {each}" for each in self.commands)]))
        if self.links:
            parts.append("\n".join(f"{link.text}: {link.href}" for link in self.links))
        parts.append("\n".join(f"{name}: {value}" for name, value in self.facts))
        return "\n\n".join(filter(None, parts)) + "\n"


def message_of(kept: Kept, event: Event, source: str, docs: str = "") -> Message:
    """Word an alert, or its recovery.

    Args:
        docs: Address of the folder `docs/` as people read it; without it the page is named by its path.
    """
    alert = kept.alert
    is_over = event == "recovered"
    return Message(
        source=source,
        incident=f"{source}:{kept.incident}",
        event=event,
        severity=alert.weight,
        subject=f"{'recovered' if is_over else alert.kind}: {alert.title}",
        meaning=f"It is over: {kept.recovery}." if is_over else f"It means: {_meaning(alert)}.",
        cause=f"It was: {alert.cause}" if is_over else alert.cause,
        facts=_facts(kept, source) + (() if docs else (("explained in", f"docs/{_PAGE}#{alert.kind}"),)),
        commands=() if is_over else alert.commands,
        links=(Link("What it means, and what to do", f"{docs.rstrip('/')}/{_PAGE}#{alert.kind}"), *alert.links)
        if docs
        else alert.links,
        kind=alert.kind,
        pipeline=alert.pipeline,
    )


def _meaning(alert: Alert) -> str:
    return _LATER_STEP if alert.kind == "failed" and alert.part else LABELS[alert.kind]


def _facts(kept: Kept, source: str) -> tuple[tuple[str, str], ...]:
    alert = kept.alert
    found = [("pipeline", alert.pipeline), ("interval", str(alert.interval)), ("severity", alert.weight)]
    found += [("owner", ", ".join(alert.owners)), ("part", alert.part), ("run", alert.run_key or "")]
    found += [("since", f"{kept.raised_at:%Y-%m-%d %H:%M} UTC"), ("installation", source)]
    return tuple((name, value) for name, value in found if value)
