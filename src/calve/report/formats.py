"""How numbers, dates and shares are written for people: the same everywhere on the page, without a locale or clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

ABSENT = "\N{EN DASH}"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def money(amount: Decimal | None) -> str:
    """Return an exact amount, e.g. `1,234.50`."""
    return ABSENT if amount is None else _minus(f"{amount:,.2f}")


def rounded(amount: Decimal) -> str:
    """Return an amount without its cents, for sentences."""
    return _minus(f"{amount.quantize(Decimal(1), ROUND_HALF_UP):,}")


def count(number: int | None) -> str:
    """Return a count, e.g. `12,345`."""
    return ABSENT if number is None else f"{int(number):,}"


def change(percent: Decimal | None) -> str:
    """Return a change with its sign, e.g. `+4.2 %`."""
    if percent is None:
        return ABSENT
    return _minus(f"{percent:+.1f} %") if percent else "0.0 %"


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return the part in per cent of the whole, to one decimal; None without a whole."""
    return (100 * part / whole).quantize(Decimal("0.1"), ROUND_HALF_UP) if whole > 0 else None


def against(percent: Decimal) -> str:
    """Return a change in words, e.g. `4.2 % above`, which a noun follows."""
    return "the same as" if not percent else f"{abs(percent):.1f} % {'above' if percent > 0 else 'below'}"


def percent(value: Decimal | None) -> str:
    """Return a share, e.g. `12.5 %`."""
    return ABSENT if value is None else _minus(f"{value:.1f} %")


def day(value: date | None) -> str:
    """Return a date, e.g. `4 Feb 2026`."""
    return ABSENT if value is None else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def day_of_month(value: date) -> str:
    """Return a date without its year, e.g. `4 Feb`, for where the year is plain."""
    return f"{value.day} {_MONTHS[value.month - 1]}"


def month(value: date) -> str:
    """Return a month, e.g. `Feb 2026`."""
    return f"{_MONTHS[value.month - 1]} {value.year}"


def instant(value: datetime) -> str:
    """Return an instant in UTC to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def moment(value: datetime) -> str:
    """Return an instant in UTC to the minute, without its year, e.g. `4 Feb 01:30`."""
    value = value.astimezone(UTC)
    return f"{day_of_month(value)} {value:%H:%M}"


def last_day(until: datetime) -> str:
    """Return the last date of an interval that ends at midnight UTC, e.g. `4 Feb 2026`."""
    return day((until.astimezone(UTC) - timedelta(days=1)).date())


def counted(number: int, noun: str) -> str:
    """Return a count with its noun, e.g. `1 row`, `2 rows`."""
    if number == 1:
        return f"1 {noun}"
    is_regular = not noun.endswith("y") or noun[-2] in "aeiou"
    return f"{number:,} {noun + 's' if is_regular else noun[:-1] + 'ies'}"


def all_of(number: int, noun: str) -> str:
    """Return the title of a table that lists all of what its chart shows."""
    return f"All {counted(number, noun)}" if number > 1 else "The same as a table"


def path(value: str) -> str:
    """Return the path of a category as words, e.g. `Media / Movies`."""
    return " / ".join(part.replace("_", " ").capitalize() for part in value.split(" > "))


def unbroken(text: str) -> str:
    """Return the text so that no line ends within it."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def listed(words: list[str]) -> str:
    """Return words as in a sentence: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
