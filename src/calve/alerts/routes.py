"""Which alert goes where: what `iceberg/alerts.yaml` says, and every mistake that it can have.

The file names environment variables; it never holds an address with a secret in it, and no message shows one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema, model_validator

from calve.alerts.alert import SEVERITIES, Alert, Kind, Severity
from calve.contract.document import Draft, read
from calve.contract.grammar import Declared, Identifier
from calve.contract.mistakes import Mistake, hint, listed, report, shown
from calve.contract.project import Project
from calve.contract.wording import mistakes_of
from calve.errors import ContractError
from calve.redaction import redacted

FILE = "iceberg/alerts.yaml"


def _formed(pattern: str, expected: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            # What stands where a variable's name belongs may be the secret itself.
            msg = f"is not {expected}"
            raise ValueError(msg)
        return text

    return check


_VARIABLE, _ADDRESS = r"[A-Z][A-Z0-9_]*", r"[^@\s<>,;\"]+@[A-Za-z0-9.-]+"
Variable = Annotated[
    str,
    AfterValidator(_formed(_VARIABLE, "the name of an environment variable, e.g. REVENUE_SLACK_WEBHOOK")),
    WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE}$"}),
]
Address = Annotated[
    str,
    AfterValidator(_formed(_ADDRESS, "a mail address, e.g. on-call@example.com")),
    WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS}$"}),
]


class SlackTarget(Declared):
    """A Slack channel, by incoming webhook.

    Attributes:
        webhook: Environment variable that holds the webhook's URL.
    """

    webhook: Variable


class MailTarget(Declared):
    """People, by mail; the server is that of the variables `CALVE_ALERTS_SMTP_…`.

    Attributes:
        to: Whom it is sent to.
    """

    to: tuple[Address, ...] = Field(min_length=1)


class IncidentTarget(Declared):
    """A PagerDuty service, by Events API v2.

    Attributes:
        routing_key: Environment variable that holds the integration's routing key.
    """

    routing_key: Variable


class Route(Declared):
    """One way to tell people; an empty list of severities, owners or pipelines means all of them.

    Attributes:
        route: Its name, in `calve alerts` and in the records.
        severities: Only alerts of these.
        owners: Only alerts of datasets and pipelines with these `alerts:` of their owner.
        pipelines: Only alerts of these.
        recoveries: Also tell when it is over.
        slack: Target: a channel.
        mail: Target: people.
        incident: Target: a service of PagerDuty.
    """

    route: Identifier
    severities: tuple[Severity, ...] = ()
    owners: tuple[str, ...] = ()
    pipelines: tuple[Identifier, ...] = ()
    recoveries: bool = True
    slack: SlackTarget | None = None
    mail: MailTarget | None = None
    incident: IncidentTarget | None = None

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        given = [name for name in ("slack", "mail", "incident") if getattr(self, name) is not None]
        if len(given) != 1:
            msg = f"found {listed(given)} as target, expected exactly one of slack, mail, incident"
            raise ValueError(msg)
        if self.incident and not self.recoveries:
            msg = "found recoveries: false with an incident, which would stay open; take it out"
            raise ValueError(msg)
        return self

    def takes(self, alert: Alert, severity: Severity) -> bool:
        """Tell whether an alert of this severity goes this way."""
        return (
            (not self.severities or severity in self.severities)
            and (not self.owners or bool(set(self.owners) & set(alert.owners)))
            and (not self.pipelines or alert.pipeline in self.pipelines)
        )


class Routes(Declared):
    """All of the file.

    Attributes:
        severities: Kind of alert to severity, where it is not the kind's own.
        settle_minutes: A recovery is told when the cause stayed away so long; one that comes back sooner is the same
            alert, so that what flaps is told once.
        routes: Each alert goes all routes that take it.
    """

    severities: dict[Kind, Severity] = Field(default_factory=dict)
    settle_minutes: int = Field(default=5, ge=0)
    routes: tuple[Route, ...] = ()

    def severity_of(self, alert: Alert) -> Severity:
        """Return the alert's own severity, or the file's for its kind, or the kind's."""
        return alert.severity or self.severities.get(alert.kind, SEVERITIES[alert.kind])

    def taking(self, alert: Alert) -> tuple[Route, ...]:
        """Return the routes that an alert goes."""
        return tuple(route for route in self.routes if route.takes(alert, self.severity_of(alert)))

    def named(self, name: str) -> Route:
        """Return a route by its name.

        Raises:
            ContractError: Lists the routes that there are.
        """
        for route in self.routes:
            if route.route == name:
                return route
        names = [route.route for route in self.routes]
        msg = f"route {name}: not in {FILE}; there are {listed(names)}{hint(name, names)}"
        raise ContractError(msg)


def load_routes(project: Project) -> Routes:
    """Return the routes of a project; none when it has no `iceberg/alerts.yaml`.

    Raises:
        ContractError: Lists every mistake with file and line.
    """
    routes, mistakes = examine_routes(project)
    if routes is None:
        raise ContractError(report(mistakes))
    return routes


def read_routes(folder: Path) -> Routes:
    """Return the routes as the file has them, whatever the contracts are like; names are not compared with theirs.

    So that a mistake in a contract keeps no alert from leaving.

    Raises:
        ContractError: Lists every mistake of the file by itself.
    """
    routes, _, mistakes = _read(folder)
    if routes is None:
        raise ContractError(report(mistakes))
    return routes


def examine_routes(project: Project) -> tuple[Routes | None, list[Mistake]]:
    """Return the routes, or None and all mistakes."""
    routes, draft, mistakes = _read(Path(project.folder))
    if routes is not None and draft is not None:
        mistakes = sorted(_disagreements(routes, draft, project))
    return (None, mistakes) if mistakes else (routes, [])


def _read(folder: Path) -> tuple[Routes | None, Draft | None, list[Mistake]]:
    path = folder / FILE
    if not path.exists():
        return Routes(), None, []
    draft, found = read(path, FILE)
    if draft is None or found:
        return None, None, found
    if not isinstance(draft.value, dict):
        text = f"found {shown(draft.value)}, expected `routes:` with a list of routes"
        return None, None, [draft.mistake((), text)]
    try:
        return Routes.model_validate_json(json.dumps(draft.value)), draft, []
    except ValidationError as error:
        found = [Mistake(m.file, m.line, m.field, redacted(m.text)) for m in mistakes_of(error, Routes, draft)]
        return None, None, sorted(set(found))


def _disagreements(routes: Routes, draft: Draft, project: Project) -> Iterator[Mistake]:
    owners = {each.owner.alerts for each in project.contracts.values()}
    owners |= {each.owner.alerts for each in project.pipelines.values()}
    names = [route.route for route in routes.routes]
    for n, route in enumerate(routes.routes):
        if route.route in names[:n]:
            yield draft.mistake(("routes", n, "route"), f"found '{route.route}' again, expected a name of its own")
        yield from _unknown(draft, ("routes", n, "owners"), route.owners, owners, "owner (`alerts:` of an owner)")
        yield from _unknown(draft, ("routes", n, "pipelines"), route.pipelines, set(project.pipelines), "pipeline")


def _unknown(
    draft: Draft, loc: tuple[str | int, ...], given: Iterable[str], known: set[str], what: str
) -> Iterator[Mistake]:
    for n, name in enumerate(given):
        if name not in known:
            text = f"found '{name}', expected a declared {what}: {listed(sorted(known))}{hint(name, known)}"
            yield draft.mistake((*loc, n), text)
