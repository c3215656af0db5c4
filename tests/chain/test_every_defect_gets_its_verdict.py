"""Each planted defect gets the verdict that the generator declares for it, with rule, column, count and keys named.

Defects that don't block are planted on one day together: each must be found by its own rule, and none may block.
Those that block are planted in groups, one generation of the same run after the other; readers see nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from chain_engine import Lake
from days_story import append_late
from oracle_rows import held, wanted
from the_history import HISTORY_END

from calve.errors import SourceDriftError
from calve.lake.publication import newest
from calve.standin.source import DEFECTS, plant, repair

pytestmark = [pytest.mark.spark, pytest.mark.local]

LINES, PAYMENTS, ACCOUNTS = "fct_order_line", "fct_payment", "dim_account"

HARMLESS = {
    "null_facility_few": (LINES, "complete(facility_id)", "facility_id", 2),
    "negative_price": (LINES, "0 <= unit_price", "unit_price", 3),
    "currency_x100": (LINES, "is_price_plausible", "is_price_plausible", 3),
    "orphan_product": (LINES, "product_id refers to dim_product", "product_id", 3),
    "future_event": (LINES, "ordered_at < :until", "ordered_at", 2),
    "closed_facility_sale": (LINES, "was_facility_open", "was_facility_open", 2),
    "price_shift": (LINES, "drift(unit_price per product_id)", "unit_price", 1),
    "late_refund": (PAYMENTS, "control_total(payment)", "amount", 0),
    "new_nullable_column": (LINES, "described(sales_order_line)", "", 0),
}
GROUPS = (
    ("null_facility_many", "orphan_product_many", "control_total_row", "erased_account_reappears"),
    ("facility_day_missing", "control_total_cent"),
    ("volume_drop",),
    ("stale_feed",),
)
# A payment finds its facility through its order; a whole day that is gone is missing from every count.
ALSO = {
    "null_facility_many": {"complete(facility_id, payment_type, amount, currency)"},
    "facility_day_missing": set(),
    "volume_drop": {"immutable(ordered_at)", "control_total(sales_order_line)"},
    "stale_feed": {"volume(ordered_at)", "volume(ordered_at per facility_id)"},
}
BLOCKED = {
    "null_facility_many": (LINES, "complete(facility_id)", "facility_id", 12),
    "orphan_product_many": (LINES, "product_id refers to dim_product", "product_id", 12),
    "control_total_row": (LINES, "control_total(sales_order_line)", "net_amount", 1),
    "erased_account_reappears": (ACCOUNTS, "erased_at is null or changed_at <= erased_at", "erased_at, changed_at", 1),
    "facility_day_missing": (LINES, "volume(ordered_at per facility_id)", "ordered_at", 1),
    "control_total_cent": (LINES, "control_total(sales_order_line)", "net_amount", 1),
    "volume_drop": (LINES, "volume(ordered_at)", "ordered_at", 1),
    "stale_feed": (LINES, "fresh(ordered_at within 24 h)", "ordered_at", 1),
}
STOPPED = {"int_to_string": "column qty is text, described as int", "renamed_column": "is gone"}


def test_every_defect_is_tried():
    tried = dict.fromkeys(BLOCKED, "blocked") | dict.fromkeys(STOPPED, "stopped")
    tried |= {"price_shift": "warned", "new_nullable_column": "warned", "late_refund": "passed"}
    tried = {name: tried.get(name, "quarantined") for name in (*HARMLESS, *tried)}
    assert tried == {name: defect.expected for name, defect in DEFECTS.items()}


@pytest.fixture(scope="module")
def harmless(chain, history):
    """The verdicts of a day with everything wrong that must not block."""
    day = HISTORY_END
    with chain.clone(history) as lake:
        lake.fill(day + timedelta(days=1))
        for name in HARMLESS:
            plant(lake.shop, name, day=day)
        found = lake.run("revenue", since=day)["revenue"]
        yield lake, {verdict.dataset: verdict for verdict in found}


@pytest.mark.parametrize("defect", HARMLESS)
def test_a_defect_within_bounds_is_told_and_published(defect, harmless):
    dataset, rule, column, count = HARMLESS[defect]
    _, verdicts = harmless
    result = next(each for each in verdicts[dataset].results if each.rule == rule)
    assert (result.outcome, result.broken_rows) == (DEFECTS[defect].expected, count), result
    assert column in (result.column or "")
    if result.outcome == "quarantined":
        assert len(result.samples) == count
    if result.outcome == "warned":
        assert result.detail
    assert {verdict.word for verdict in verdicts.values()} == {"passed"}


def test_quarantined_rows_are_kept_apart_with_their_reasons(harmless):
    lake, verdicts = harmless
    kept = lake.rows("quarantine.fct_order_line", "order_id, line_no, _reasons")
    told = {
        (result.rule, sample)
        for result in verdicts[LINES].results
        if result.outcome == "quarantined"
        for sample in result.samples
    }
    assert told == {(reason, f"({row['order_id']}, {row['line_no']})") for row in kept for reason in row["_reasons"]}
    keys = {(row["order_id"], row["line_no"]) for row in kept}
    curated = {(row["order_id"], row["line_no"]) for row in lake.rows("curated.fct_order_line", "order_id, line_no")}
    assert keys
    assert not keys & curated


def test_a_row_has_a_fate_whether_it_is_good_or_broken(harmless):
    lake, verdicts = harmless
    rows = lake.query("select source, rows from calve.landing where run_key = %s", verdicts[LINES].run_key)
    landed = {row["source"]: row["rows"] for row in rows if row["source"] != "control_total"}
    fates = {source: counts for verdict in verdicts.values() for source, counts in verdict.fates.items()}
    assert {source: sum(counts.values()) for source, counts in fates.items()} == landed
    assert fates["sales_order_line"]["quarantined"] > 10


@dataclass
class Blocked:
    """One interval that was blocked four times, stopped twice, and then published."""

    lake: Lake
    verdicts: dict[str, dict[str, object]] = field(default_factory=dict)
    seen: list[object] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    moved: tuple[int, int] = (0, 0)
    final: dict[str, tuple[object, ...]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def blocked(chain, history):
    """What became of the generations of that interval."""
    day = HISTORY_END
    with chain.clone(history) as lake:
        story = Blocked(lake)
        lake.fill(day + timedelta(days=1))
        lake.expose()
        story.seen.append(what_readers_see(lake))
        for group in GROUPS:
            for name in group:
                plant(lake.shop, name, day=day)
            undo = move_to_another_month(story, day) if "volume_drop" in group else None
            pipelines = ("reference", "revenue") if "erased_account_reappears" in group else ("revenue",)
            found = lake.run(*pipelines, since=day)
            named = {verdict.dataset: verdict for verdicts in found.values() for verdict in verdicts}
            story.verdicts |= dict.fromkeys(group, named)
            repair(lake.shop)
            if undo:
                lake.shop.execute(*undo)
        lake.expose()
        story.seen.append(what_readers_see(lake))
        for name in STOPPED:
            plant(lake.shop, name, day=day)
            with pytest.raises(SourceDriftError) as error:
                lake.run("revenue", since=day)
            story.stopped[name] = str(error.value)
            repair(lake.shop)
        append_late(lake, f"revenue@{day}#1")
        story.final = lake.run(since=day)
        yield story


@pytest.mark.parametrize("defect", BLOCKED)
def test_a_defect_out_of_bounds_blocks_by_its_own_rule(defect, blocked):
    dataset, rule, column, count = BLOCKED[defect]
    verdict = blocked.verdicts[defect][dataset]
    results = [each for each in verdict.results if each.rule == rule and each.outcome == "blocked"]
    assert [each.rule for each in results] == [rule]
    assert verdict.word == DEFECTS[defect].expected == "blocked"
    assert results[0].broken_rows >= count
    assert column in results[0].column
    assert results[0].detail
    if "volume" not in rule and "fresh" not in rule:
        assert results[0].samples


def test_only_the_rules_of_the_planted_defects_block(blocked):
    for group in GROUPS:
        verdicts = blocked.verdicts[group[0]].values()
        rules = {each.rule for verdict in verdicts for each in verdict.results if each.outcome == "blocked"}
        assert rules == {BLOCKED[name][1] for name in group} | ALSO[group[0]], group


def test_a_row_that_changes_its_partition_blocks(blocked):
    verdict = blocked.verdicts["volume_drop"][LINES]
    result = next(each for each in verdict.results if each.rule == "immutable(ordered_at)")
    assert (result.outcome, result.column, result.broken_rows) == ("blocked", "ordered_at", 1)
    assert result.samples == (f"({blocked.moved[0]}, {blocked.moved[1]})",)


def test_readers_see_the_previous_publication_while_a_run_is_blocked(blocked):
    before, after = blocked.seen
    assert before == after


@pytest.mark.parametrize("defect", STOPPED)
def test_a_source_that_drifted_stops_the_run_before_anything_is_staged(defect, blocked):
    assert "sales_order_line" in blocked.stopped[defect]
    assert STOPPED[defect] in blocked.stopped[defect]


def test_a_blocked_interval_is_published_once_when_it_is_right(blocked):
    day = HISTORY_END
    keys = blocked.lake.query("select run_key from calve.publication where run_key like %s order by 1", f"%@{day}#%")
    assert [row["run_key"] for row in keys] == [f"reference@{day}#1", f"revenue@{day}#4"]
    words = {verdict.word for verdicts in blocked.final.values() for verdict in verdicts}
    assert words == {"passed"}


def test_rows_of_blocked_generations_stay_in_raw_and_are_never_read(blocked):
    day = HISTORY_END
    raw = blocked.lake.rows("raw.sales_order_line", "_landing_id")
    generations = {row["_landing_id"].partition("/")[0] for row in raw if f"@{day}#" in row["_landing_id"]}
    assert generations >= {f"revenue@{day}#{number}" for number in (0, 1, 2, 4)}
    read = blocked.lake.rows("curated.fct_order_line", "_run_key")
    assert {row["_run_key"] for row in read if row["_run_key"].startswith(f"revenue@{day}")} == {f"revenue@{day}#4"}
    lines = held(blocked.lake, LINES)
    assert lines == wanted(blocked.lake, LINES, HISTORY_END + timedelta(days=1))


def what_readers_see(lake):
    """Return what identifies the lake's tables and Snowflake's, with their content summed up."""
    served = lake.read("select dataset, publication, snapshot_id from reporting.publication where is_served order by 1")
    revenue = lake.read("select count(*) as n, sum(gross_amount) as gross from reporting.revenue_daily")
    heads = {name: table.tables for name, table in newest(lake.records).items()}
    lines = lake.rows("curated.fct_order_line", "count(*) as n, sum(net_amount) as total")
    return served, revenue, heads, lines


def move_to_another_month(story, day):
    """Let an order of one line, sealed long ago, claim another month; return the statement that undoes it."""
    shop = story.lake.shop
    order_id, line_no = shop.execute(
        "select order_id, min(line_no) from public.sales_order_line where ordered_at < %s::date - 50"
        " and not is_deleted group by order_id having count(*) = 1 order by order_id limit 1",
        (day,),
    ).fetchone()
    was, changed = shop.execute(
        "select ordered_at, updated_at from public.sales_order where order_id = %s", (order_id,)
    ).fetchone()
    statement = "update public.sales_order set ordered_at = %s, updated_at = %s where order_id = %s"
    at = f"{day} 10:00+00"
    shop.execute(statement, (was + timedelta(days=40), at, order_id))
    story.moved = (order_id, line_no)
    return statement, (was, changed, order_id)
