"""Comparisons in findings, charts and tables: week, month and year against those before, and categories by region.

Like for like, as the views compare; never compares with a period that began before the data do.
"""

from __future__ import annotations

from datetime import date, timedelta

from calve.report import formats, revenue_charts
from calve.report.blocks import Section, Table
from calve.report.figures import Figures, Row, Rows
from calve.report.per_currency import NOTHING, ZERO, Shown, against, per_currency, summed
from calve.report.revenue_charts import facility_of, region_of


def comparisons(figures: Figures) -> Section:
    """Return week, month and year against those before, and categories against each other."""
    blocks = [
        *per_currency("periods", figures, figures.periods, _periods),
        *per_currency("weeks", figures, figures.weeks, _weeks),
        *per_currency("movers", figures, figures.movers, _movers),
        *per_currency("categories", figures, figures.categories, _categories),
    ]
    words = (
        "Like for like: a week, month or year that still goes on is compared with as many days of the others. The year "
        "before a week is the week 52 weeks earlier. What began before the data do is not compared with."
    )
    return Section("comparisons", "Comparisons", words, tuple(blocks), NOTHING)


def _periods(currency: str, rows: Rows) -> Shown:
    over = [row for row in rows if row["is_complete"]]
    said = [
        f"{row['period_kind'].lower()} {formats.change(row['previous_change_percent'])}"
        for row in over
        if row["previous_change_percent"] is not None
    ]
    compared = max(row["compared_through"] for row in rows)
    finding = f"{currency}: net against the period before: {formats.listed(said) or 'nothing to compare yet'}"
    words = f"Compared through {formats.day(compared)}; later days still change."
    heads = ("period", "#net", "#before", "#change", "#year before", "#change on year")
    lines = tuple((_period(row), *_changes(row)) for row in rows)
    return Shown(finding, words, None, Table("Week, month and year", heads, lines))


def _period(row: Row) -> str:
    start = row["period_start"]
    name = {
        "WEEK": f"Week of {formats.day_of_month(start)}",
        "MONTH": formats.month(start),
        "YEAR": str(start.year),
    }[row["period_kind"]]
    words = [name] if row["is_complete"] else [name, f"first {_days(start, row['compared_through'])}"]
    return ", ".join(map(formats.unbroken, words))


def _days(start: date, through: date) -> str:
    return formats.counted((through - start + timedelta(days=1)).days, "day")


def _changes(row: Row) -> tuple[str, ...]:
    return (
        formats.money(row["net_revenue"]),
        formats.money(row["previous_net_revenue"]),
        formats.change(row["previous_change_percent"]),
        formats.money(row["year_ago_net_revenue"]),
        formats.change(row["year_ago_change_percent"]),
    )


def _weeks(currency: str, rows: Rows) -> Shown:
    last = rows[-1]
    finding = f"{currency}: the week of {formats.day(last['period_start'])} is {against(last, 'week')}"
    heads = ("week from", "#net", "#week before", "#change", "#year before", "#change on year")
    lines = tuple((formats.day(row["period_start"]), *_changes(row)) for row in rows)
    table = Table(formats.all_of(len(rows), "week"), heads, lines, is_folded=True)
    words = "Net revenue of complete weeks. Dashed: the week 52 weeks before."
    return Shown(finding, words, revenue_charts.weeks(rows), table)


def _movers(currency: str, rows: Rows) -> Shown:
    more = sum(row["net_revenue"] > (row["previous_net_revenue"] or ZERO) for row in rows)
    month = formats.month(rows[0]["period_start"])
    who = f"{more or 'none'} of {len(rows)} facilities sold"
    if len(rows) == 1:
        who = f"{facility_of(rows[0])} sold" if more else f"{facility_of(rows[0])} did not sell"
    finding = f"{currency}: {who} more in {month} than the month before"
    heads = ("facility", "region", "#net", "#month before", "#change", "#year before", "#change on year")
    lines = tuple((facility_of(row), region_of(row), *_changes(row)) for row in rows)
    before, year_ago = summed(rows, "previous_net_revenue"), summed(rows, "year_ago_net_revenue")
    net = formats.money(summed(rows, "net_revenue"))
    total = ("all", "", net, formats.money(before), "", formats.money(year_ago), "")
    table = Table(formats.all_of(len(rows), "facility"), heads, lines, total, is_folded=True)
    return Shown(finding, "Difference of net revenue.", revenue_charts.movers(rows), table)


def _categories(currency: str, rows: Rows) -> Shown:
    month = formats.month(rows[0]["month_start"])
    best = max(rows, key=lambda row: row["share_percent"] or ZERO)
    regions = {row["region_name"] for row in rows}
    finding = (
        f"{currency}: {formats.path(best['category_path'])} had {formats.percent(best['share_percent'])} "
        f"of gross in {region_of(best)} in {month}"
    )
    words = f"Share of a region's gross in {month}. An index above 100: the region buys more of it than others do."
    heads = ("region", "category", "#gross", "#share", "#rank", "#index")
    lines = tuple(
        (
            region_of(row),
            formats.path(row["category_path"]),
            formats.money(row["gross_amount"]),
            formats.percent(row["share_percent"]),
            formats.count(row["rank_in_region"]),
            formats.count(row["index_to_currency"]),
        )
        for row in rows
    )
    total = ("all", "", formats.money(summed(rows, "gross_amount")), "", "", "")
    title = f"All categories of {formats.counted(len(regions), 'region')}"
    return Shown(finding, words, revenue_charts.categories(rows), Table(title, heads, lines, total, is_folded=True))
