"""What a source says of when a row changed decides which rows are read, and never which version of a row is true.

Two accounts change on each of two days: one says nothing of when, one says that it was before the change that is in
the lake. A line is deleted for good on the oldest date that is compared, one on an older date.
All of it is read by a role that may hold three connections: the cut, and two that read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import psycopg
import pytest
from chain_engine import Lake
from oracle_rows import held, wanted
from the_history import HISTORY_END

from calve.lake.verdicts import DatasetVerdict

pytestmark = [pytest.mark.spark, pytest.mark.local]

DAY = HISTORY_END
PRICE = "list_price = 30 - list_price, updated_at = null"
FLIP = "account_type = case account_type when 'RESIDENT' then 'CONTACT' else 'RESIDENT' end"
COMPARED, OLDER = DAY - timedelta(days=34), DAY - timedelta(days=60)
LINE = """
select order_id, line_no from public.sales_order_line
where ordered_at >= %(day)s and ordered_at < %(day)s::date + 1 and not is_deleted order by order_id, line_no limit 1
"""
SEAL = """
insert into public.control_total
select sealed.business_date, sealed.facility_id, sealed.table_name, sealed.version + 1, sealed.row_count - 1,
    sealed.sum_amount - line.net_amount, sealed.max_updated_at, sealed.checksum, sealed.is_closed, %(at)s
from public.sales_order_line as line
join public.sales_order as o using (order_id)
join public.facility as f using (facility_id)
join public.control_total as sealed on sealed.facility_id = f.facility_id and sealed.table_name = 'sales_order_line'
    and sealed.business_date = (line.ordered_at at time zone f.timezone)::date
where (line.order_id, line.line_no) = (%(order)s, %(line)s)
order by sealed.version desc limit 1
"""
READERS, DAYS = 2, 3
DIMENSIONS = ("dim_account", "dim_product")
Rows = set[tuple[object, ...]]


@dataclass
class Told:
    """What happened.

    Attributes:
        held: What the dimensions held after each day.
        wanted: What they had to.
        facts: The same of `fct_order_line`.
        gone: Order id and line number of the deleted lines, by date.
        lines: Those of both in the lake: before, after each deletion, and after a reload.
        word: Of the run after the older one was deleted.
    """

    lake: Lake
    held: dict[date, dict[str, Rows]] = field(default_factory=dict)
    wanted: dict[date, dict[str, Rows]] = field(default_factory=dict)
    facts: tuple[Rows, Rows] = (set(), set())
    gone: dict[date, tuple[int, int]] = field(default_factory=dict)
    lines: list[set[tuple[int, int]]] = field(default_factory=list)
    word: str = ""


@pytest.fixture(scope="module")
def told(chain, history):
    """The two days, and a reload of the second."""
    with chain.clone(history) as lake:
        lake.settings = lake.settings.model_copy(update={"source_max_connections": READERS})
        role = psycopg.conninfo.conninfo_to_dict(lake.settings.source_url.get_secret_value())["user"]
        story = Told(lake)
        with psycopg.connect(chain.stored["admin_url"], autocommit=True) as admin:
            admin.execute(f"alter role {role} connection limit {READERS + 1}")
            try:
                _live(story)
            finally:
                admin.execute(f"alter role {role} connection limit -1")
        yield story


def _live(story: Told) -> None:
    lake = story.lake
    shop = lake.shop
    (account,) = shop.execute("select min(account_id) from public.account where erased_at is null").fetchone()
    shop.execute("update public.product set list_price = 10 where product_id = 1")
    lake.fill(DAY + timedelta(days=1))
    story.gone = {day: lake.shop.execute(LINE, {"day": day}).fetchone() for day in (COMPARED, OLDER)}
    story.lines.append(_lines(story))
    for number in range(DAYS):
        day = DAY + timedelta(days=number)
        lake.fill(day + timedelta(days=1))
        shop.execute(f"update public.product set {PRICE} where product_id = 1")
        # Within the source's lateness, or it would not be read.
        at = datetime.combine(day, time(23, 50) if number % 2 == 0 else time(0), UTC) - timedelta(minutes=number)
        shop.execute(f"update public.account set {FLIP}, updated_at = %s where account_id = %s", (at, account))
        lake.run("reference", since=day)
        story.held[day] = {name: held(lake, name) for name in DIMENSIONS}
        story.wanted[day] = {name: wanted(lake, name, day + timedelta(days=1)) for name in DIMENSIONS}
    shop.execute(
        "update public.sales_order set account_id = %s, updated_at = null where order_id = %s",
        (account, story.gone[OLDER][0]),
    )
    _delete(story, COMPARED, sealed_on=DAY)
    last = DAY + timedelta(days=DAYS)
    lake.run("revenue", since=DAY, until=last)
    story.facts = held(lake, "fct_order_line"), wanted(lake, "fct_order_line", last)
    story.lines.append(_lines(story))
    _delete(story, OLDER, sealed_on=last)
    lake.fill(last + timedelta(days=1))
    story.word = _word(lake.run("revenue", since=last))
    story.lines.append(_lines(story))
    lake.run("revenue", since=last, mode="reload")
    story.lines.append(_lines(story))


def _delete(story: Told, day: date, *, sealed_on: date) -> None:
    order, line = story.gone[day]
    at = datetime.combine(sealed_on, time(12), UTC)
    sealed = story.lake.shop.execute(SEAL, {"order": order, "line": line, "at": at}).rowcount
    assert sealed == 1
    story.lake.shop.execute("delete from public.sales_order_line where (order_id, line_no) = (%s, %s)", (order, line))


def _word(found: dict[str, tuple[DatasetVerdict, ...]]) -> str:
    return "blocked" if any(each.word == "blocked" for each in found["revenue"]) else "passed"


def _lines(story: Told) -> set[tuple[int, int]]:
    keys = " or ".join(f"(order_id = {order} and line_no = {line})" for order, line in story.gone.values())
    return {(row["order_id"], row["line_no"]) for row in story.lake.rows("curated.fct_order_line", where=keys)}


@pytest.mark.parametrize("dataset", DIMENSIONS)
@pytest.mark.parametrize("number", range(DAYS))
def test_a_row_is_as_it_was_read_last_whatever_it_says_of_when_it_changed(number, dataset, told):
    day = DAY + timedelta(days=number)
    assert told.held[day][dataset] == told.wanted[day][dataset]


def test_a_row_that_says_nothing_of_when_it_changed_is_read_every_time(told):
    assert told.facts[0] == told.facts[1]


def test_a_row_deleted_on_a_date_that_is_compared_is_gone(told):
    assert told.lines[:2] == [{told.gone[COMPARED], told.gone[OLDER]}, {told.gone[OLDER]}]


def test_one_deleted_on_an_older_date_blocks_until_a_reload_once_the_seals_know_of_it(told):
    assert told.word == "blocked"
    assert told.lines[2:] == [{told.gone[OLDER]}, set()]
