"""What a contract and a pipeline are. Cross-file agreement is the loader's business."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from calve.contract.grammar import Declared, Identifier
from calve.contract.rules import Refers, RowRule, Rule
from calve.contract.types import TypeName

Transform = Annotated[str, Field(pattern=r"^((month|day|year)\([a-z_][a-z0-9_]*\)|[a-z_][a-z0-9_]*)$")]


class Column(Declared):
    """A column of a curated dataset.

    Attributes:
        immutable: Never changes for a key; audited. Partition columns must be.
        domain: Holds the keyed hash of this domain.
        unit: `currency` or a unit of measure.
    """

    name: Identifier
    type: TypeName
    doc: str
    unit: str | None = None
    immutable: bool = False
    domain: Identifier | None = None


class Owner(Declared):
    """Who answers for a dataset, and where its alerts go."""

    team: str
    alerts: str


class ControlTotal(Declared):
    """Compare the staged rows with totals that the source sealed per business date.

    Attributes:
        source: Source that holds the sealed totals (business_date, facility_id, table_name, version,
            row_count, sum_amount, is_closed, sealed_at).
        table_name: Which totals to compare with.
        date: Column of this dataset that holds the business date.
        by: Column that tells the parts.
        sum: Column whose sum is compared with `sum_amount`.
    """

    source: Identifier
    table_name: str
    date: Identifier
    by: Identifier
    sum: Identifier


class Serve(Declared):
    """How Snowflake shows the dataset.

    Attributes:
        readers: Roles that may select from it.
        masking: Column to policy; the values of these columns are masked for all but the policy's roles.
    """

    readers: tuple[Identifier, ...] = ("reporting",)
    masking: dict[Identifier, Identifier] = Field(default_factory=dict)


class Contract(Declared):
    """A curated dataset as promised to its readers, and how it comes to be.

    Attributes:
        grain: Columns that together identify a row.
        sources: Sources whose changes change rows.
        derived_from: Sibling datasets that this one is recomputed from.
        lookup: Sources read at their latest state; a change there alone changes no row.
        reads: Datasets of pipelines that this one needs, read as published.
        load: See docs/architecture.md, "Load modes".
        touched_by: Columns that all `from` and `lookup` sources share: the unit that is recomputed as a whole
            when any row of it changed.
        replace_by: Date column of a derived dataset: touched dates are recomputed whole.
        partition_by: Iceberg transforms in order, e.g. `month(ordered_at)`.
    """

    dataset: Identifier
    pipeline: Identifier
    owner: Owner
    doc: str
    grain: tuple[Identifier, ...] = Field(min_length=1)
    sources: tuple[Identifier, ...] = Field(default=(), alias="from")
    derived_from: tuple[Identifier, ...] = ()
    lookup: tuple[Identifier, ...] = ()
    reads: tuple[Identifier, ...] = ()
    load: Literal["append", "merge", "replace", "snapshot"]
    touched_by: tuple[Identifier, ...] = ()
    replace_by: Identifier | None = None
    partition_by: tuple[Transform, ...] = ()
    sort_by: tuple[Identifier, ...] = ()
    columns: tuple[Column, ...] = Field(min_length=1)
    audit: tuple[Rule, ...] = Field(min_length=1)
    control_total: ControlTotal | None = None
    serve: Serve = Serve()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Return the declared columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def datasets_read(self) -> tuple[str, ...]:
        """Return the datasets that must be staged or published before this one is computed."""
        dimensions = (rule.to for rule in self.audit if isinstance(rule, Refers))
        return (*self.derived_from, *self.reads, *dimensions)

    @property
    def row_rules(self) -> tuple[RowRule, ...]:
        """Return the rules whose broken rows go to quarantine."""
        return tuple(rule for rule in self.audit if rule.severity == "quarantine")

    @property
    def partition_columns(self) -> tuple[str, ...]:
        """Return the columns that `partition_by` is computed from."""
        return tuple(re.sub(r"^\w+\((\w+)\)$", r"\1", transform) for transform in self.partition_by)

    @model_validator(mode="after")
    def _names_are_declared(self) -> Self:
        names = self.column_names
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            msg = f"columns declared twice: {', '.join(doubled)}"
            raise ValueError(msg)
        mentioned: dict[str, tuple[str, ...]] = {
            "grain": self.grain,
            "partition_by": self.partition_columns,
            "sort_by": self.sort_by,
            "touched_by": self.touched_by,
            "replace_by": (self.replace_by,) if self.replace_by else (),
            "serve.masking": tuple(self.serve.masking),
        }
        mentioned |= {f"audit rule {rule.name}": rule.columns for rule in self.audit}
        for field, columns in mentioned.items():
            if unknown := sorted(set(columns) - set(names)):
                msg = f"{field} names undeclared columns {', '.join(unknown)}; declared: {', '.join(names)}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _load_fits(self) -> Self:
        if self.load in ("append", "merge") and not (self.sources and self.touched_by):
            msg = f"load: {self.load} needs `from` and `touched_by`"
            raise ValueError(msg)
        if (self.load == "replace") != bool(self.derived_from and self.replace_by):
            msg = "load: replace goes with `derived_from` and `replace_by`, and only with them"
            raise ValueError(msg)
        fixed = {c.name for c in self.columns if c.immutable} | set(self.grain)
        if moving := sorted(set(self.partition_columns) - fixed):
            msg = f"partition columns {', '.join(moving)} may change for a key; declare them immutable: true"
            raise ValueError(msg)
        return self


class Pipeline(Declared):
    """Datasets that are published together, on one schedule.

    Attributes:
        schedule: Cron expression in UTC of the moment when an interval is due.
        start: First UTC date that the pipeline covers.
        needs: Pipelines whose publication of the same interval comes first.
        size: What its Spark application may take in a cluster.
        deadline_minutes: An interval that is not published so long after it is due is overdue.
    """

    pipeline: Identifier
    doc: str
    schedule: str
    start: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    needs: tuple[Identifier, ...] = ()
    size: Literal["small", "medium", "large"] = "small"
    deadline_minutes: int = Field(default=240, ge=1)
    owner: Owner
