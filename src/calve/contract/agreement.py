"""Whether declarations agree with themselves and each other; the list of checks."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

from calve.contract.checks.columns import column_mistakes
from calve.contract.checks.declared import Declarations
from calve.contract.checks.predicates import predicate_mistakes
from calve.contract.checks.privacy import privacy_mistakes
from calve.contract.checks.references import reference_mistakes
from calve.contract.checks.rules import rule_mistakes
from calve.contract.checks.schedule import schedule_mistakes
from calve.contract.checks.transforms import missing_transforms, transform_mistakes
from calve.contract.document import Draft
from calve.contract.mistakes import Mistake

CHECKS = (
    column_mistakes,
    rule_mistakes,
    predicate_mistakes,
    reference_mistakes,
    privacy_mistakes,
    missing_transforms,
    schedule_mistakes,
)


def disagreements(
    folder: Path,
    drafts: Mapping[str, list[Draft]],
    unreadable: Mapping[str, set[str]],
    *,
    spoiled: Set[str],
    filling: str = "",
) -> list[Mistake]:
    """Return every mistake that no single field shows.

    Args:
        folder: Holds `iceberg/` and `spark_apps/`.
        drafts: All drafts by kind, valid or not.
        unreadable: Names of files that could not be read, by kind.
        spoiled: Files that are known to have mistakes already.
        filling: A pipeline that may have no contract yet.
    """
    declarations = Declarations(folder, drafts, unreadable, filling)
    found = [mistake for check in CHECKS for mistake in check(declarations)]
    return [*found, *transform_mistakes(declarations, spoiled | {mistake.file for mistake in found})]
