"""Three days after the history, with what days bring: refunds, deletes, a rename, and an old attempt that wakes up.

Day 1 is exposed between the publications of its two pipelines; day 3 as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from chain_engine import Lake
from pyspark.sql import functions as F

from calve.lake.verdicts import DatasetVerdict
from calve.standin.source import HISTORY_START
from calve.warehouse.expose import Exposure

DAYS = 3
RENAMED_ID, NEW_NAME = 1, "Maple Grove Medical Center"


@dataclass
class Story:
    """What happened.

    Attributes:
        verdicts: Of each run, by day and pipeline.
        between: What Snowflake served when `reference` was published and `revenue` not yet.
        served: What it served after the last day.
        removed: Order id and line number of the line that was deleted for good.
    """

    lake: Lake
    first: date
    verdicts: dict[tuple[date, str], tuple[DatasetVerdict, ...]] = field(default_factory=dict)
    between: Exposure | None = None
    served: Exposure | None = None
    removed: tuple[int, int] = (0, 0)

    @property
    def until(self) -> date:
        """Return the date after the last one."""
        return self.first + timedelta(days=DAYS)


def live_through(lake: Lake, first: date) -> Story:
    """Let the three days happen."""
    story = Story(lake, first)
    for number in range(DAYS):
        day = first + timedelta(days=number)
        lake.fill(day + timedelta(days=1))
        if number == 0:
            lake.listeners.append(lambda line: _expose_between(story, line))
        if number == DAYS - 1:
            _rename(story, day)
            _delete_for_good(story, day)
        found = lake.run(since=day)
        story.verdicts |= {(day, pipeline): verdicts for pipeline, verdicts in found.items()}
        if number == 0:
            lake.listeners.clear()
            append_late(lake, f"revenue@{HISTORY_START}/{first}#0")
    story.served = lake.expose()
    return story


def _expose_between(story: Story, line: str) -> None:
    if line.startswith("reference: publication"):
        story.between = story.lake.expose()


def append_late(lake: Lake, run_key: str) -> None:
    """Do what an old attempt does that wakes up late: append its rows, under its own landing id, to raw."""
    rows = lake.session.table("raw.sales_order_line").where(F.col("_run_key") == run_key)
    late = rows.withColumns(
        {
            "_landing_id": F.lit(f"{run_key}/1/00000000"),
            "_landed_seq": F.col("_landed_seq") + 1,
            "net_amount": (F.col("net_amount") * 2).cast("decimal(12,2)"),
            "_row_hash": F.reverse("_row_hash"),
        }
    )
    late.writeTo("raw.sales_order_line").option("snapshot-property.calve.run-key", run_key).append()


def _rename(story: Story, day: date) -> None:
    story.lake.shop.execute(
        "update public.facility set name = %s, updated_at = %s::timestamp at time zone 'UTC' where facility_id = %s",
        (NEW_NAME, f"{day} 12:00", RENAMED_ID),
    )


def _delete_for_good(story: Story, day: date) -> None:
    """Delete a line of the day before; the seal of that date, at the end of the day, knows of it."""
    shop = story.lake.shop
    row = shop.execute(
        """
        select l.order_id, l.line_no, l.net_amount, o.facility_id
        from public.sales_order_line as l
        join public.sales_order as o using (order_id)
        join public.facility as f using (facility_id)
        where (l.ordered_at at time zone f.timezone)::date = %(date)s and not l.is_deleted
            and l.ordered_at >= %(date)s::date::timestamp at time zone 'UTC'
            and l.ordered_at < %(date)s::date::timestamp at time zone 'UTC' + interval '1 day'
            and l.updated_at < %(date)s::date::timestamp at time zone 'UTC' + interval '22 hours'
        order by l.order_id, l.line_no limit 1
        """,
        {"date": day - timedelta(days=1)},
    ).fetchone()
    order_id, line_no, net_amount, facility_id = row
    shop.execute("delete from public.sales_order_line where (order_id, line_no) = (%s, %s)", (order_id, line_no))
    sealed = shop.execute(
        "update public.control_total set row_count = row_count - 1, sum_amount = sum_amount - %s"
        " where table_name = 'sales_order_line' and business_date = %s and facility_id = %s",
        (net_amount, day - timedelta(days=1), facility_id),
    ).rowcount
    assert sealed == 1
    story.removed = (order_id, line_no)
