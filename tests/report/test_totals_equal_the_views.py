"""Every sum on the page is the view's, to the cent, per currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from reading import Page, amount, summed

COLUMNS = {"gross": "gross_amount", "refunds": "refund_amount", "net": "net_revenue"}


@pytest.fixture(scope="module")
def read(page) -> Page:
    """The shop's page, read."""
    return Page(page)


@pytest.fixture(scope="module")
def whole(shop):
    """The views' sums, by currency."""
    listed = ", ".join(f"sum({column}) as {name}" for name, column in COLUMNS.items())
    rows = shop.sql(f"select currency, {listed} from reporting.revenue_daily group by currency")
    return {row["currency"]: row for row in rows}


def test_the_shop_sold_in_two_currencies(whole):
    assert {currency: row["net"] for currency, row in whole.items()} == {
        "EUR": Decimal("4817.50"),
        "USD": Decimal("5615.00"),
    }


@pytest.mark.parametrize("currency", ["EUR", "USD"])
@pytest.mark.parametrize("block", ["months", "regions", "facilities", "products"])
def test_a_table_s_rows_and_last_row_sum_up_to_the_view(read, whole, block, currency):
    name = f"{block}-{currency.lower()}"
    for column in COLUMNS:
        assert summed(read.tables[name], column) == whole[currency][column]
        assert amount(read.totals[name][column]) == whole[currency][column]


@pytest.mark.parametrize("currency", ["EUR", "USD"])
@pytest.mark.parametrize("block", ["months", "regions", "facilities", "products"])
def test_a_chart_draws_what_its_table_lists(read, whole, block, currency):
    rows = read.charted(f"{block}-{currency.lower()}")
    drawn = sum(Decimal(row["net_revenue_text"].replace(",", "")) for row in rows)
    assert drawn == whole[currency]["net"]
    assert round(sum(row["net"] for row in rows), 2) == float(drawn)


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_the_head_of_the_page_says_the_same(read, whole, currency):
    assert f"{whole[currency]['net']:,.2f}" in read.words
    assert f"gross {whole[currency]['gross']:,.2f}, refunds {whole[currency]['refunds']:,.2f}" in read.words


def test_no_number_sums_across_currencies(read, whole):
    for column in COLUMNS:
        assert f"{sum(row[column] for row in whole.values()):,.2f}" not in read.html


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_comparisons_are_the_view_s_sums(read, shop, currency):
    view = shop.sql(
        "select sum(net_revenue) as net, sum(previous_net_revenue) as before, sum(year_ago_net_revenue) as year_ago "
        "from reporting.revenue_compare where period_kind = 'MONTH' and period_start = '2026-01-01' "
        f"and currency = '{currency}'"
    )[0]
    [line] = [line for line in read.tables[f"periods-{currency.lower()}"] if line["period"] == "Jan 2026"]
    assert amount(line["net"]) == view["net"]
    assert amount(line["before"]) == view["before"]
    assert amount(line["year before"]) == view["year_ago"]
    assert amount(read.totals[f"movers-{currency.lower()}"]["net"]) == view["net"]


def test_shares_and_ranks_are_the_view_s(read, shop):
    rows = shop.sql(
        "select region_name, share_percent, rank_in_region, index_to_currency from reporting.category_compare "
        "where month_start = '2026-01-01' and currency = 'USD' and category_path = 'DEVICE'"
    )
    lines = {line["region"]: line for line in read.tables["categories-usd"] if line["category"] == "Device"}
    assert len(lines) == len(rows) == 2
    for row in rows:
        line = lines[row["region_name"]]
        assert (line["share"], line["rank"]) == (f"{row['share_percent']} %", str(row["rank_in_region"]))
        assert line["index"] == str(row["index_to_currency"])
