"""What the tests of this folder have proven, for the summary at their end; and where and about what they tell."""

DEV, PROD = "calve-dev", "calve-prod"
FILLED, WEEK = "2025-01-09", "2025-01-01/2025-01-09"
LINES: list[str] = []


def prove(what: str, seconds: float | None = None) -> None:
    """Add a line to the summary."""
    LINES.append(what if seconds is None else f"{what}: {seconds:.0f} s")
