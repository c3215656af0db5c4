"""Where defects are planted: the rows of the newest filled day, chosen by digest, the same every time.

Chosen rows are of orders whose local date is the day itself, which no control total has sealed yet; so a planted
defect breaks the rule it is meant for and not the reconciliation of the day before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn

from psycopg import Connection
from psycopg.rows import TupleRow

from calve.standin.source.state import GeneratorError, GeneratorState

_FRESH_ORDERS = """
    select o.order_id, o.currency, o.facility_id, o.ordered_at,
        (select count(*) from public.sales_order_line as l where l.order_id = o.order_id) as lines
    from public.sales_order as o
    join public.facility as f on f.facility_id = o.facility_id
    where o.ordered_at >= %(day)s::date::timestamp at time zone 'UTC'
        and o.ordered_at < (%(day)s::date + 1)::timestamp at time zone 'UTC'
        and (o.ordered_at at time zone f.timezone)::date = %(day)s
        and o.status = 'PAID'
"""


@dataclass
class Scene:
    """One defect being planted on one day. `remedy` names rows of older days that repair must restore."""

    conn: Connection[TupleRow]
    defect: str
    day: date
    state: GeneratorState
    rows: dict[str, int] = field(default_factory=dict)
    remedy: dict[str, list[int]] = field(default_factory=dict)

    def change(self, table: str, statement: str, **values: Any) -> None:
        """Run a statement that changes rows of a table; `%(day)s` is the day."""
        count = self.conn.execute(statement.encode(), {"day": self.day, **values}).rowcount
        self.rows[table] = self.rows.get(table, 0) + max(count, 0)

    def one(self, statement: str, what: str, **values: Any) -> TupleRow:
        """Return the first row that a query finds.

        Args:
            what: The row, in words, for the message.

        Raises:
            GeneratorError: There is none; nothing was planted.
        """
        row = self.conn.execute(statement.encode(), {"day": self.day, "defect": self.defect, **values}).fetchone()
        if row is None:
            self.fail(what)
        return row

    def fresh_orders(self, limit: int, *, where: str = "true", **values: Any) -> list[int]:
        """Return ids of paid orders of the day."""
        found = self._chosen(
            f"select order_id from ({_FRESH_ORDERS}) as fresh where {where}"
            " order by md5(%(defect)s || order_id::text), order_id limit %(limit)s",
            {"limit": limit, **values},
        )
        return [order_id for (order_id,) in found]

    def fresh_lines(self, limit: int) -> list[int]:
        """Return keys of live lines of the day, as order_id * 100 + line_no."""
        found = self._chosen(
            f"select l.order_id * 100 + l.line_no as key from ({_FRESH_ORDERS}) as fresh"
            " join public.sales_order_line as l using (order_id) where not l.is_deleted"
            " order by md5(%(defect)s || l.order_id::text || '.' || l.line_no::text), key limit %(limit)s",
            {"limit": limit},
        )
        return [key for (key,) in found]

    def day_count(self, table: str) -> int:
        """Count a table's rows that were ordered on the day."""
        found = self.one(
            f"select count(*) from public.{table} where ordered_at >= %(day)s::date::timestamp at time zone 'UTC'"
            " and ordered_at < (%(day)s::date + 1)::timestamp at time zone 'UTC'",
            table,
        )
        return int(found[0])

    def fail(self, what: str) -> NoReturn:
        """Say which rows the defect would need."""
        msg = (
            f"defect {self.defect} on {self.day}: found no {what}, expected at least one;"
            " fill a later day, use a larger scale, or repair what is planted already"
        )
        raise GeneratorError(msg)

    def _chosen(self, statement: str, values: dict[str, Any]) -> list[TupleRow]:
        found = self.conn.execute(statement.encode(), {"day": self.day, "defect": self.defect, **values}).fetchall()
        if not found:
            self.fail("paid order of that local date")
        return found
