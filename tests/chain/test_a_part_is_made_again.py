"""A scoped run makes one facility's part of an interval again, a reload reads what the source changed unnoticed.

Both lines and accounts are changed in two facilities behind the source's own clock; only one is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from chain_engine import Lake
from oracle_rows import held, wanted
from the_history import HISTORY_END

from calve.errors import IntervalError
from calve.lake.landings import watermark
from calve.lake.ledger import ledger, rebuild
from calve.planning import Request, plan
from calve.runs import Interval, Run

pytestmark = [pytest.mark.spark, pytest.mark.local]

MINE, THEIRS = 1, 2
SCOPE = f"facility_id={MINE}"
DATASETS = ("dim_account", "fct_order_line", "fct_payment", "agg_facility_product_day")
# The price before discount moves and so does the discount: what was paid, and so every sealed total, stays.
DEARER = """
update public.sales_order_line as line set unit_price = unit_price + 1, discount = discount + qty
from public.sales_order
where sales_order.order_id = line.order_id and sales_order.facility_id = %s
    and line.order_id = (
        select min(o.order_id) from public.sales_order as o
        inner join public.sales_order_line as l on l.order_id = o.order_id
        where o.facility_id = %s and not l.is_deleted
    )
returning line.order_id
"""
LEAVES = """
delete from public.account where account_id = (
    select min(account_id) from public.account
    where facility_id = %s and account_id not in (select account_id from public.sales_order)
)
"""


@dataclass
class Parts:
    """A lake on which facility 1 was made again, and facility 2 was not.

    Attributes:
        orders: Order whose lines became dearer, by facility.
        before: Ledger and watermark before the scoped run.
    """

    lake: Lake
    orders: dict[int, int]
    before: tuple[object, object]

    def run_of(self, pipeline: str) -> Run:
        return Run(pipeline, Interval.parse(HISTORY_END.isoformat()), SCOPE)

    def orders_changed_by(self, run_key: str) -> set[int]:
        rows = self.lake.rows("curated.fct_order_line", "order_id", f"_run_key = '{run_key}'")
        return {row["order_id"] for row in rows}

    def state(self) -> tuple[object, object]:
        return ledger(self.lake.records), watermark(self.lake.records, "sales_order_line")


@pytest.fixture(scope="module")
def parts(chain, history):
    """One day after the history, run whole; then facility 1 read whole again."""
    with chain.clone(history) as lake:
        lake.fill(HISTORY_END + timedelta(days=1))
        lake.run(since=HISTORY_END)
        story = Parts(lake, {}, (None, None))
        for facility in (MINE, THEIRS):
            story.orders[facility] = lake.shop.execute(DEARER, (facility, facility)).fetchone()[0]
            assert lake.shop.execute(LEAVES, (facility,)).rowcount == 1
        story.before = story.state()
        found = lake.run(since=HISTORY_END, scope=SCOPE, mode="reload")
        assert {verdict.word for verdicts in found.values() for verdict in verdicts} == {"passed"}, lake.told
        yield story


def test_the_part_asked_for_is_made_again_and_no_other(parts):
    assert parts.orders_changed_by(parts.run_of("revenue").key) == {parts.orders[MINE]}


def test_a_row_that_left_the_source_unseen_is_gone_from_the_part_alone(parts):
    gone = parts.lake.rows("raw.account", "facility_id", "_op = 'D'")
    assert gone == [{"facility_id": MINE}]


def test_sources_that_the_scope_does_not_reach_land_nothing(parts):
    landed = parts.lake.query(
        "select source, rows from calve.landing where run_key = any(%s)",
        [parts.run_of(name).key for name in ("reference", "revenue")],
    )
    rows = {row["source"]: row["rows"] for row in landed}
    assert rows.pop("sales_order_line") > 0
    assert rows.pop("account") == 1
    assert set(rows.values()) == {0}
    assert {"region", "category", "product"} < set(rows)


def test_what_the_ledger_covers_and_where_the_next_run_begins_stay(parts):
    assert parts.state() == parts.before
    assert not rebuild(parts.lake.records)


def test_the_same_run_again_has_nothing_to_do(parts):
    assert parts.lake.run(since=HISTORY_END, scope=SCOPE) == {}


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_reload_of_all_then_equals_the_shop(dataset, parts, reloaded):
    assert held(parts.lake, dataset) == wanted(parts.lake, dataset, HISTORY_END + timedelta(days=1))


@pytest.fixture(scope="module")
def reloaded(parts):
    """The verdicts of a reload of everything, after the scoped run."""
    return parts.lake.run(since=HISTORY_END, mode="reload")


def test_a_reload_is_a_generation_of_its_own_and_touches_only_what_differs(parts, reloaded):
    (lines,) = [verdict for verdict in reloaded["revenue"] if verdict.dataset == "fct_order_line"]
    assert lines.run_key.endswith("#1")
    assert parts.orders_changed_by(lines.run_key) == {parts.orders[THEIRS]}


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        pytest.param("facility", "expected column=value, e.g. facility_id=7", id="no value"),
        pytest.param("facility_id=main", "facility_id is int, found 'main'", id="wrong type"),
        pytest.param("faclity_id=1", "did you mean facility_id?", id="no such column"),
        pytest.param("account_id=1", "no source of revenue has account_id", id="restricted"),
    ],
)
def test_a_scope_that_means_nothing_is_refused(parts, scope, told):
    interval = Interval.parse(HISTORY_END.isoformat())
    with pytest.raises(IntervalError, match=told):
        plan(parts.lake.records, parts.lake.project, Request(("revenue",), interval, scope=scope), datetime.now(UTC))


def test_a_part_of_what_was_never_published_is_refused(parts):
    interval = Interval.parse((HISTORY_END + timedelta(days=9)).isoformat())
    with pytest.raises(IntervalError, match="run it without --scope first"):
        plan(parts.lake.records, parts.lake.project, Request(("revenue",), interval, scope=SCOPE), datetime.now(UTC))
