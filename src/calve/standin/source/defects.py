"""Every planted defect by name, with the verdict it must get: a closed list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from calve.standin.source import altered_schema, missing_rows, wrong_rows
from calve.standin.source.scene import Scene

Expected = Literal["passed", "warned", "quarantined", "blocked", "stopped"]


@dataclass(frozen=True)
class Defect:
    """One way in which a source goes wrong.

    Attributes:
        expected: What a run of the day must make of it. `quarantined`: the rows are set aside, the rest is published.
            `stopped`: nothing is staged.
    """

    name: str
    doc: str
    expected: Expected
    plant: Callable[[Scene], None]

    @property
    def alters_schema(self) -> bool:
        """Tell whether it changes a table's shape and not its rows."""
        return self.name in altered_schema.UNDO


def _defect(plant: Callable[[Scene], None], expected: Expected) -> Defect:
    return Defect(plant.__name__, (plant.__doc__ or "").strip(), expected, plant)


DEFECTS: dict[str, Defect] = {
    defect.name: defect
    for defect in (
        _defect(wrong_rows.null_facility_few, "quarantined"),
        _defect(wrong_rows.null_facility_many, "blocked"),
        _defect(wrong_rows.negative_price, "quarantined"),
        _defect(wrong_rows.currency_x100, "quarantined"),
        _defect(wrong_rows.orphan_product, "quarantined"),
        _defect(wrong_rows.orphan_product_many, "blocked"),
        _defect(wrong_rows.future_event, "quarantined"),
        _defect(wrong_rows.closed_facility_sale, "quarantined"),
        _defect(missing_rows.facility_day_missing, "blocked"),
        _defect(missing_rows.volume_drop, "blocked"),
        _defect(wrong_rows.price_shift, "warned"),
        _defect(wrong_rows.late_refund, "passed"),
        _defect(altered_schema.new_nullable_column, "warned"),
        _defect(altered_schema.int_to_string, "stopped"),
        _defect(altered_schema.renamed_column, "stopped"),
        _defect(missing_rows.stale_feed, "blocked"),
        _defect(missing_rows.control_total_row, "blocked"),
        _defect(missing_rows.control_total_cent, "blocked"),
        _defect(wrong_rows.erased_account_reappears, "blocked"),
    )
}
