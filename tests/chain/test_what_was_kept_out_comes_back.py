"""Rows leave quarantine when what they lacked is there, whether they land again or not; none gets lost on the way.

Day 1: an order without a facility, and a line of a product that `reference` has not published yet. Day 2: the
order is mended, a refund of it comes, and `reference` catches up. Then an older day is computed anew from raw.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from chain_engine import Lake
from oracle_rows import held, wanted
from the_history import HISTORY_END

from calve.lake.verdicts import DatasetVerdict
from calve.standin.source import plant, repair

pytestmark = [pytest.mark.spark, pytest.mark.local]

FACTS = ("fct_order_line", "fct_payment", "agg_facility_product_day")
NEW_PRODUCT = 9001
# An order of the day that nobody refunds by itself, with its payments.
CHOSEN = """
select o.order_id, o.facility_id from public.sales_order as o
where o.ordered_at >= %(day)s and o.ordered_at < %(day)s + interval '20 hours' and o.status = 'PAID'
    and exists (select 1 from public.payment as p where p.order_id = o.order_id)
order by o.order_id limit 2
"""
NEW = """
insert into public.product
select %(new)s, sku || '-new', name, category_id, product_type, list_price, currency, active_from, active_to, %(at)s
from public.product
where product_id = (select product_id from public.sales_order_line where order_id = %(order)s and line_no = 1)
"""


@dataclass
class Kept:
    """What was kept out on day 1, and what became of it."""

    lake: Lake
    broken: int
    early: int
    first: dict[str, set[int]] = field(default_factory=dict)
    second: tuple[DatasetVerdict, ...] = ()
    anew: tuple[DatasetVerdict, ...] = ()

    def quarantined(self, dataset: str) -> set[int]:
        return {row["order_id"] for row in self.lake.rows(f"quarantine.{dataset}", "order_id")}


@pytest.fixture(scope="module")
def kept(chain, history):
    """The story, told once."""
    with chain.clone(history) as lake:
        day = HISTORY_END
        lake.fill(day + timedelta(days=1))
        (broken, facility), (early, _) = lake.shop.execute(CHOSEN, {"day": day}).fetchall()
        lake.shop.execute("update public.sales_order set facility_id = null where order_id = %s", (broken,))
        lake.shop.execute(NEW, {"new": NEW_PRODUCT, "at": day, "order": early})
        lake.shop.execute(
            "update public.sales_order_line set product_id = %s where order_id = %s and line_no = 1",
            (NEW_PRODUCT, early),
        )
        story = Kept(lake, broken, early)
        lake.run("revenue", since=day)
        story.first = {name: story.quarantined(name) for name in ("fct_order_line", "fct_payment")}
        lake.shop.execute(
            "update public.sales_order set facility_id = %s, updated_at = %s where order_id = %s",
            (facility, day + timedelta(days=1), broken),
        )
        lake.fill(day + timedelta(days=2))
        lake.run("reference", since=day)
        lake.run("reference", since=day + timedelta(days=1))
        story.second = lake.run("revenue", since=day + timedelta(days=1))["revenue"]
        yield story


def test_rows_that_lack_something_are_kept_out(kept):
    assert kept.first == {"fct_order_line": {kept.broken, kept.early}, "fct_payment": {kept.broken}}


def test_they_come_back_though_they_did_not_land_again(kept):
    assert {verdict.word for verdict in kept.second} == {"passed"}
    assert kept.quarantined("fct_order_line") == kept.quarantined("fct_payment") == set()


@pytest.mark.parametrize("dataset", FACTS)
def test_then_every_table_equals_the_shop(dataset, kept):
    assert held(kept.lake, dataset) == wanted(kept.lake, dataset, HISTORY_END + timedelta(days=2))


def test_an_older_day_computed_anew_takes_no_later_row_for_one_of_the_future(kept):
    before = {dataset: held(kept.lake, dataset) for dataset in FACTS}
    anew = kept.lake.run("revenue", since=HISTORY_END, mode="reprocess")["revenue"]
    assert {verdict.word for verdict in anew} == {"passed"}
    assert {dataset: held(kept.lake, dataset) for dataset in FACTS} == before


def test_a_row_that_belongs_to_nothing_is_judged_too(kept):
    day = HISTORY_END + timedelta(days=2)
    kept.lake.fill(day + timedelta(days=1))
    kept.lake.shop.execute(
        "update public.payment set order_id = null where payment_id = ("
        " select min(payment_id) from public.payment where created_at >= %s)",
        (day,),
    )
    kept.lake.run("revenue", since=day)
    reasons = kept.lake.rows("quarantine.fct_payment", "_reasons", "order_id is null")
    assert [row["_reasons"] for row in reasons] == [["complete(facility_id, payment_type, amount, currency)"]]


def test_what_was_published_wrong_is_right_once_its_source_is_repaired(lake):
    day = HISTORY_END
    lake.fill(day + timedelta(days=1))
    plant(lake.shop, "price_shift", day=day)
    published = lake.run(since=day)
    wrong = held(lake, "fct_order_line")
    repair(lake.shop)
    lake.fill(day + timedelta(days=2))
    verdicts = lake.run(since=day + timedelta(days=1))
    right = wanted(lake, "fct_order_line", day + timedelta(days=2))
    assert {each.word for found in (published, verdicts) for every in found.values() for each in every} == {"passed"}
    assert held(lake, "fct_order_line") == right
    assert not set(wrong) <= set(right)
