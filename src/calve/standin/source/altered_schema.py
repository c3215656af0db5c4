"""Defects that change the shape of a table, and the statements that undo them."""

from __future__ import annotations

from calve.standin.source.scene import Scene

TABLE = "sales_order_line"
UNDO = {
    "new_nullable_column": f"alter table public.{TABLE} drop column gift_note",
    "int_to_string": f"alter table public.{TABLE} alter column qty type int using qty::int",
    "renamed_column": f"alter table public.{TABLE} rename column rebate to discount",
}


def new_nullable_column(scene: Scene) -> None:
    """Add a column that may be null to the order lines."""
    scene.change(TABLE, f"alter table public.{TABLE} add column gift_note text")


def int_to_string(scene: Scene) -> None:
    """Make the lines' quantity a text."""
    scene.change(TABLE, f"alter table public.{TABLE} alter column qty type text using qty::text")


def renamed_column(scene: Scene) -> None:
    """Rename the lines' discount to rebate."""
    scene.change(TABLE, f"alter table public.{TABLE} rename column discount to rebate")
