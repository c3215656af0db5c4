"""What a source is: a table of an operational database, and what of it may reach the lake."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from calve.contract.grammar import Declared, Identifier
from calve.contract.types import TypeName

_DURATION = re.compile(r"^(\d+)\s*(minutes?|hours?|days?)$")


class SourceColumn(Declared):
    """A column of a source table.

    Attributes:
        sensitivity: `restricted` personal data never reaches the lake in the clear.
        land: What lands: the value, its keyed hash (named `<x>_key` for `<x>_id`), or nothing.
        domain: What the value identifies; equal values of one domain have equal hashes everywhere.
    """

    name: Identifier
    type: TypeName
    doc: str
    sensitivity: Literal["open", "confidential", "restricted"] = Field(default="open", alias="class")
    land: Literal["value", "hash", "drop"] = "value"
    domain: Identifier | None = None

    @model_validator(mode="after")
    def _restricted_never_lands(self) -> Self:
        if self.sensitivity == "restricted" and self.land == "value":
            msg = f"column {self.name} is restricted and would land as it is; set land: hash or land: drop"
            raise ValueError(msg)
        if self.land == "hash" and self.domain is None:
            msg = f"column {self.name} is hashed but names no domain; add e.g. domain: account"
            raise ValueError(msg)
        return self

    @property
    def landed_name(self) -> str:
        """Return the column's name in the lake."""
        return re.sub(r"_id$", "", self.name) + "_key" if self.land == "hash" else self.name

    @property
    def landed_type(self) -> str:
        """Return the column's contract type in the lake."""
        return "string" if self.land == "hash" else self.type


class Deletes(Declared):
    """How rows vanish from a source.

    Attributes:
        soft: Boolean column that is set instead of deleting.
        compare_keys: Timestamp column, immutable per key: where a UTC day's rows and sums differ from the
            lake's, all keys of that day are compared and the missing ones land as deleted.
    """

    soft: Identifier | None = None
    compare_keys: Identifier | None = None


class PartOf(Declared):
    """The source whose rows a row belongs to: where that one's facility says which part is meant, so does this one's.

    Attributes:
        source: Name of the other source.
        by: Its key, a column of both.
    """

    source: Identifier
    by: Identifier


class Source(Declared):
    """A table of an operational database, as it is extracted.

    Attributes:
        extract: `changes` reads rows by `changed_by`; `whole` reads the table and lands what differs.
        changed_by: Timestamp column that moves with every change of a row.
        created_by: Timestamp or date column, immutable per key, of when that came to be which a row tells of; a run
            of an earlier interval then reads what was there, however late it changed or was known.
        lateness: How far before the watermark to read again, e.g. `1 hour`.
        totals: Numeric columns whose sums the source states at the cut, to compare with what landed.
        part_of: Whose part a row is, for runs of a scope such as one facility.
    """

    source: Identifier
    doc: str
    table: str = Field(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")
    key: tuple[Identifier, ...] = Field(min_length=1)
    extract: Literal["changes", "whole"]
    changed_by: Identifier
    created_by: Identifier | None = None
    lateness: str = "1 hour"
    deletes: Deletes = Deletes()
    totals: tuple[Identifier, ...] = ()
    part_of: PartOf | None = None
    columns: tuple[SourceColumn, ...] = Field(min_length=1)

    @field_validator("lateness")
    @classmethod
    def _is_a_duration(cls, value: str) -> str:
        if not _DURATION.match(value):
            msg = f"found '{value}', expected e.g. 30 minutes, 1 hour, 2 days"
            raise ValueError(msg)
        return value

    @property
    def lateness_span(self) -> timedelta:
        """Return `lateness` as a span of time."""
        match = _DURATION.match(self.lateness)
        number, unit = (match[1], match[2]) if match else ("0", "hours")
        return timedelta(**{unit.rstrip("s") + "s": int(number)})

    @property
    def landed(self) -> tuple[SourceColumn, ...]:
        """Return the columns that land, in order."""
        return tuple(column for column in self.columns if column.land != "drop")

    @property
    def landed_key(self) -> tuple[str, ...]:
        """Return the key's columns as they are named in the lake."""
        names = {column.name: column.landed_name for column in self.columns}
        return tuple(names[name] for name in self.key)

    @model_validator(mode="after")
    def _names_are_declared(self) -> Self:
        names = [column.name for column in self.columns]
        kept = [column.name for column in self.landed]
        mentioned = [
            *self.key,
            self.changed_by,
            *self.totals,
            *filter(None, (self.created_by, self.deletes.soft, self.deletes.compare_keys)),
        ]
        if unknown := sorted(set(mentioned) - set(kept)):
            msg = f"{', '.join(unknown)}: not among the columns that land; declared: {', '.join(names)}"
            raise ValueError(msg)
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            msg = f"columns declared twice: {', '.join(doubled)}"
            raise ValueError(msg)
        return self
