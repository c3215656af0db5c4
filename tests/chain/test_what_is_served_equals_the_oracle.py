"""I1, I6 and I7 after 125 days as one interval and three single days: the shop itself says what must be there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chain_engine import ROOT
from days_story import NEW_NAME, RENAMED_ID
from oracle_rows import held, rows_of_oracle, wanted

from calve.contract.loader import load_project
from calve.lake.ledger import rebuild
from calve.lake.publication import newest
from calve.standin.source import HISTORY_START

pytestmark = [pytest.mark.spark, pytest.mark.local]

DATASETS = sorted(load_project(ROOT).contracts)
VIEWS = ("revenue_daily", "revenue_monthly", "revenue_compare", "category_compare")


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_curated_table_holds_what_the_shop_says(dataset, story):
    found = held(story.lake, dataset)
    assert found
    assert found == wanted(story.lake, dataset, story.until)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_what_the_shop_says(view, story):
    rows = story.lake.read(f"select * from reporting.{view}")
    right = rows_of_oracle(story.lake, view, story.until)
    names = sorted(right[0])
    assert sorted(set(rows[0]) - {"verified_through"}) == names
    found = [tuple(row[name] for name in names) for row in rows]
    assert len(found) == len(set(found))
    assert set(found) == {tuple(row[name] for name in names) for row in right}
    assert {row["verified_through"] for row in rows} == {story.until - timedelta(days=2)}


def test_clean_days_are_neither_blocked_nor_warned_of(story):
    outcomes = {
        (day, verdict.dataset, result.rule): result.outcome
        for (day, _), verdicts in story.verdicts.items()
        for verdict in verdicts
        for result in verdict.results
    }
    assert {place: outcome for place, outcome in outcomes.items() if outcome != "passed"} == {}
    assert len({day for day, _, _ in outcomes}) == 3


def test_every_landed_row_has_one_fate(story):
    landed = {
        (row["run_key"], row["source"]): row["rows"]
        for row in story.lake.query("select run_key, source, rows from calve.landing")
    }
    answered = {
        (row["run_key"], source): sum(counts.values())
        for row in story.lake.query("select run_key, fates from calve.verdict where voided_at is null")
        for source, counts in row["fates"].items()
    }
    # What the source sealed is compared with, and answers for itself.
    compared = {place for place in landed if place[1] == "control_total"}
    assert answered == {place: rows for place, rows in landed.items() if place not in compared}
    assert sum(answered.values()) > 50_000


def test_derived_sums_are_those_of_their_siblings(story):
    sums = "sum(gross_amount) as gross, sum(refund_amount) as refunds"
    revenue = story.lake.rows("curated.agg_facility_product_day", sums)[0]
    sold = story.lake.rows("curated.fct_order_line", "sum(gross_amount) as gross", "is_sold")[0]
    given_back = story.lake.rows("curated.fct_payment", "sum(amount) as refunds", "payment_type <> 'CHARGE'")[0]
    assert revenue == sold | given_back


def test_a_run_key_is_published_once(story):
    keys = [row["run_key"] for row in story.lake.query("select run_key from calve.publication")]
    assert len(keys) == len(set(keys)) == 2 * 4


def test_what_is_published_has_passed_and_is_served(story):
    words = story.lake.query(
        "select distinct verdict.word from calve.publication"
        " left join calve.verdict on verdict.run_key = publication.run_key and voided_at is null"
    )
    assert [row["word"] for row in words] == ["passed"]
    records = {
        table.dataset: (publication.number, table.snapshot_id)
        for publication in newest(story.lake.records).values()
        for table in publication.tables
        if table.namespace == "curated"
    }
    shown = story.lake.read("select dataset, publication, snapshot_id from reporting.publication where is_served")
    assert {row["dataset"]: (row["publication"], row["snapshot_id"]) for row in shown} == records
    assert sorted(records) == DATASETS


def test_an_expose_between_two_publications_serves_both_pipelines_whole(story):
    first = min(day for day, _ in story.verdicts)
    numbers = {row["run_key"]: row["number"] for row in story.lake.query("select * from calve.publication")}
    assert story.between.publications == {
        "reference": numbers[f"reference@{first}#0"],
        "revenue": numbers[f"revenue@{HISTORY_START}/{first}#0"],
    }
    assert story.served.publications == {name: each.number for name, each in newest(story.lake.records).items()}


def test_a_row_deleted_for_good_is_gone_and_leaves_a_tombstone(story):
    where = f"order_id = {story.removed[0]} and line_no = {story.removed[1]}"
    assert story.lake.rows("curated.fct_order_line", "order_id", where) == []
    kept = story.lake.rows("raw.sales_order_line", "_op", f"{where} and _landing_id not like '%/00000000'")
    assert sorted(row["_op"] for row in kept) == ["D", "U"]


def test_a_renamed_facility_is_renamed_everywhere(story):
    shown = story.lake.read(
        f"select distinct facility_name from reporting.revenue_daily where facility_id = {RENAMED_ID}"
    )
    assert shown == [{"facility_name": NEW_NAME}]


def test_rows_that_an_old_attempt_appends_late_are_never_read(story):
    late = story.lake.rows("raw.sales_order_line", "count(*) as n", "_landing_id like '%/00000000'")
    assert late[0]["n"] > 100
    shop = story.lake.shop.execute(
        "select sum(net_amount) from public.sales_order_line where not is_deleted"
    ).fetchone()
    lines = story.lake.rows("curated.fct_order_line", "sum(net_amount) as total")
    assert lines[0]["total"] == shop[0]


def test_a_small_day_rewrites_a_small_part(story):
    touched = {
        verdict.dataset: verdict.touched for verdict in story.verdicts[min(day for day, _ in story.verdicts), "revenue"]
    }
    for dataset in ("fct_order_line", "fct_payment", "agg_facility_product_day"):
        assert touched[dataset]["added-data-files"] < touched[dataset]["total-data-files"], dataset


def test_the_ledger_is_a_projection_of_the_records(story):
    assert not rebuild(story.lake.records)
