"""The closed list of audit rules. A rule is data: it says what must hold, never how it is computed.

Row rules judge one row each and can send it to quarantine; the others judge the staged rows as a whole.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from calve.contract.grammar import Declared, Identifier, Scalar


class Budget(Declared):
    """How many rows may go to quarantine before the run is blocked: the larger of both.

    Attributes:
        percent: Of the rows that the run judged.
        rows: An absolute floor, for small days.
    """

    percent: float = Field(default=0.0, ge=0, le=100)
    rows: int = Field(default=0, ge=0)

    def allows(self, judged: int) -> int:
        """Return how many of `judged` rows may break the rule."""
        return max(self.rows, int(judged * self.percent / 100))


class _Rule(Declared):
    severity: Literal["block", "warn"] = Field(default="block", alias="else")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that must be declared for this rule."""
        return ()


class _RowRule(Declared):
    severity: Literal["block", "warn", "quarantine"] = Field(default="block", alias="else")
    budget: Budget = Budget()

    @model_validator(mode="after")
    def _budget_needs_quarantine(self) -> _RowRule:
        if self.severity != "quarantine" and self.budget != Budget():
            msg = f"budget is given, but else is '{self.severity}'; only 'else: quarantine' has a budget"
            raise ValueError(msg)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that must be declared for this rule."""
        return ()


class Complete(_RowRule):
    """No row has a null in these columns; with `min_percent`, at least that share of rows."""

    complete: tuple[Identifier, ...] = Field(min_length=1)
    min_percent: float = Field(default=100.0, gt=0, le=100)

    @model_validator(mode="after")
    def _share_is_no_row_rule(self) -> Complete:
        if self.severity == "quarantine" and self.min_percent < 100:  # noqa: PLR2004  # per cent
            msg = "min_percent judges all rows together and can't quarantine single ones; use block or warn"
            raise ValueError(msg)
        return self

    @property
    def name(self) -> str:
        share = "" if self.min_percent == 100 else f" in {self.min_percent:g} %"  # noqa: PLR2004
        return f"complete({', '.join(self.complete)}){share}"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.complete


class Between(_RowRule):
    """Values lie in a closed range; nulls pass."""

    between: Identifier
    min: Scalar | None = None
    max: Scalar | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Between:
        if self.min is None and self.max is None:
            msg = f"between: {self.between} has neither min nor max"
            raise ValueError(msg)
        return self

    @property
    def name(self) -> str:
        low = "" if self.min is None else f"{self.min} <= "
        high = "" if self.max is None else f" <= {self.max}"
        return f"{low}{self.between}{high}"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.between,)


class OneOf(_RowRule):
    """Values come from a list; nulls pass."""

    one_of: Identifier
    values: tuple[str, ...] = Field(min_length=1)

    @property
    def name(self) -> str:
        return f"{self.one_of} in ({', '.join(self.values)})"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.one_of,)


class Matches(_RowRule):
    """Values match a Java regular expression as a whole; nulls pass."""

    matches: Identifier
    pattern: str

    @property
    def name(self) -> str:
        return f"{self.matches} like /{self.pattern}/"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.matches,)


class Sql(_RowRule):
    """A predicate over one row, in Spark SQL with `:since` and `:until` of the interval; null counts as broken."""

    sql: str = Field(min_length=3)

    @property
    def name(self) -> str:
        return self.sql


class Refers(_RowRule):
    """The value is a key of the dimension that readers will join with it; nulls pass."""

    refers: Identifier
    to: Identifier

    @property
    def name(self) -> str:
        return f"{self.refers} refers to {self.to}"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.refers,)


class Unique(_Rule):
    """No two rows share these columns."""

    unique: tuple[Identifier, ...] = Field(min_length=1)

    @property
    def name(self) -> str:
        return f"unique({', '.join(self.unique)})"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.unique


class Volume(_Rule):
    """Rows per UTC day of the interval, against the median of the same weekday in the last four weeks.

    Attributes:
        volume: Column whose UTC date places a row.
        per: Judge each value of this column by itself.
        min_expected: Parts with a smaller median are too small to judge.
    """

    volume: Identifier
    per: Identifier | None = None
    min_percent: float = Field(default=0, ge=0)
    max_percent: float | None = None
    min_expected: int = Field(default=1, ge=1)

    @property
    def name(self) -> str:
        return f"volume({self.volume}{f' per {self.per}' if self.per else ''})"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.volume, *([self.per] if self.per else []))


class Drift(_Rule):
    """Mean of a column per part in the interval, against the mean of the last four weeks.

    Attributes:
        drift: Numeric column.
        at: Column whose UTC date places a row.
        per: Column that tells the parts.
        max_percent: Largest change of the mean, up or down.
        min_rows: Parts with fewer rows in the interval or in the history are too small to judge.
    """

    drift: Identifier
    at: Identifier
    per: Identifier
    max_percent: float = Field(gt=0)
    min_rows: int = Field(default=5, ge=1)

    @property
    def name(self) -> str:
        return f"drift({self.drift} per {self.per})"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.drift, self.at, self.per)


class Fresh(_Rule):
    """The newest value is at most so many hours older than the interval's end."""

    fresh: Identifier
    hours: float = Field(gt=0)

    @property
    def name(self) -> str:
        return f"fresh({self.fresh} within {self.hours:g} h)"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.fresh,)


class Conserve(_Rule):
    """The sum of a column equals that of a sibling's, over what the run recomputed.

    Attributes:
        conserve: Column of this dataset.
        equals: Expression over one row of the sibling that `of` names, staged by the same run; in Spark SQL.
        where: Which of the sibling's rows count, in Spark SQL.
    """

    conserve: Identifier
    of: Identifier
    equals: str
    where: str = "true"

    @property
    def name(self) -> str:
        return f"sum({self.conserve}) = sum({self.equals}) of {self.of}"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.conserve,)


KINDS: dict[str, type[Declared]] = {
    "complete": Complete,
    "unique": Unique,
    "between": Between,
    "one_of": OneOf,
    "matches": Matches,
    "sql": Sql,
    "refers": Refers,
    "volume": Volume,
    "drift": Drift,
    "fresh": Fresh,
    "conserve": Conserve,
}


def _kind(value: Any) -> str | None:
    found = [kind for kind in KINDS if (kind in value if isinstance(value, dict) else hasattr(value, kind))]
    return found[0] if len(found) == 1 else None


RowRule = Complete | Between | OneOf | Matches | Sql | Refers
Rule = Annotated[
    Annotated[Complete, Tag("complete")]
    | Annotated[Unique, Tag("unique")]
    | Annotated[Between, Tag("between")]
    | Annotated[OneOf, Tag("one_of")]
    | Annotated[Matches, Tag("matches")]
    | Annotated[Sql, Tag("sql")]
    | Annotated[Refers, Tag("refers")]
    | Annotated[Volume, Tag("volume")]
    | Annotated[Drift, Tag("drift")]
    | Annotated[Fresh, Tag("fresh")]
    | Annotated[Conserve, Tag("conserve")],
    Discriminator(
        _kind,
        custom_error_type="rule_kind",
        custom_error_message=f"an audit rule has exactly one of the kinds {', '.join(KINDS)}",
    ),
]
