"""Revenue in findings, charts and tables, each per currency and never summed across.

A table's last row is the sum of the rows above it, exactly; the tests hold it against the views.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from calve.report import formats, revenue_charts
from calve.report.blocks import Card, Section, Table
from calve.report.figures import Figures, Row, Rows, newest_month
from calve.report.per_currency import DATASET, NOTHING, Shown, against, per_currency, source_of, summed
from calve.report.revenue_charts import category_of, facility_of, legend_of, region_of

AMOUNTS = ("#gross", "#refunds", "#net")
FOLDED_FROM = 8


def cards(figures: Figures) -> tuple[Card, ...]:
    """Return the head of the page: what each currency brought, and how its newest month compares."""
    found = []
    months = {row["currency"]: row for row in figures.periods if row["period_kind"] == "MONTH" and row["is_complete"]}
    served = figures.served(DATASET)
    snapshot = f", snapshot {served['snapshot_id']} of {DATASET}" if served else ""
    for row in figures.currencies:
        words = [f"gross {formats.money(row['gross_amount'])}, refunds {formats.money(row['refund_amount'])}"]
        if newest := months.get(row["currency"]):
            month = formats.month(newest["period_start"])
            words.append(f"{month}: net {formats.money(newest['net_revenue'])}, {against(newest, 'month')}")
        label = f"{row['currency']} net revenue, {formats.day(row['first_date'])} to {formats.day(row['last_date'])}"
        source = source_of(figures, [row]) + snapshot
        found.append(Card(label, formats.money(row["net_revenue"]), tuple(words), source))
    return tuple(found)


def revenue(figures: Figures) -> Section:
    """Return revenue by month, region, facility and product."""
    over = newest_month([row for row in figures.periods if row["is_complete"]])
    blocks = [
        *per_currency("months", figures, figures.months, lambda currency, rows: _months(currency, rows, over)),
        *per_currency("regions", figures, figures.regions, _regions),
        *per_currency("facilities", figures, figures.facilities, _facilities),
        *per_currency("products", figures, figures.products, _products),
    ]
    words = (
        "Gross is what sold lines cost after discount and with tax; refunds count on the day they were settled; net is "
        "gross less refunds. Amounts stay in their own currency."
    )
    return Section("revenue", "Revenue", words, tuple(blocks), NOTHING)


def _months(currency: str, rows: Rows, over: date | None) -> Shown:
    newest = over or rows[-1]["month_start"]
    finished = [row for row in rows if row["month_start"] <= newest] or rows
    best, last = max(finished, key=lambda row: row["net_revenue"]), finished[-1]
    finding = f"{currency}: {formats.month(last['month_start'])} brought {formats.rounded(last['net_revenue'])} net"
    if best is last:
        finding += ", more than any month before" if len(finished) > 1 else ""
    else:
        finding += (
            f"; the best month was {formats.month(best['month_start'])} with {formats.rounded(best['net_revenue'])}"
        )
    table = _table("month", rows, lambda row: (formats.month(row["month_start"]),), ("month",))
    words = "" if finished[-1] is rows[-1] else "The paler month is not over."
    legend = (("gross", "gross"), ("refunds", "refunds"), ("net", "net"))
    return Shown(finding, words, revenue_charts.months(rows, through=f"{newest:%Y-%m}"), table, legend)


def _regions(currency: str, rows: Rows) -> Shown:
    ordered = _greatest_first(rows)
    table = _shares("region", ordered, lambda row: (region_of(row),), ("region",))
    return Shown(_leader(currency, region_of, ordered, "region"), "", revenue_charts.region_months(ordered), table)


def _facilities(currency: str, rows: Rows) -> Shown:
    ordered = _greatest_first(rows)
    table = _shares("facility", ordered, lambda row: (facility_of(row), region_of(row)), ("facility", "region"))
    finding = _leader(currency, facility_of, ordered, "facility")
    return Shown(finding, "", revenue_charts.facilities(ordered), table, legend_of(map(region_of, rows)))


def _products(currency: str, rows: Rows) -> Shown:
    ordered = _greatest_first(rows)
    shown = ordered[: revenue_charts.BARS_SHOWN]
    finding = _leader(currency, lambda row: str(row["product_name"]), ordered, "product")
    words = ""
    if len(shown) < len(rows):
        part = formats.share(summed(shown, "net_revenue"), summed(rows, "net_revenue"))
        words = f"The chart shows the first {len(shown)}, which bring {formats.percent(part)}; the table has all."
    table = _shares(
        "product",
        ordered,
        lambda row: (row["product_name"], formats.path(row["category_path"])),
        ("product", "category"),
    )
    return Shown(finding, words, revenue_charts.products(ordered), table, legend_of(map(category_of, shown)))


def _leader(currency: str, name: Callable[[Row], str], ordered: Rows, noun: str) -> str:
    first = ordered[0]
    if len(ordered) == 1:
        return f"{currency}: {name(first)} is the only {noun}"
    part = formats.percent(formats.share(first["net_revenue"], summed(ordered, "net_revenue")))
    return f"{currency}: {name(first)} leads {formats.counted(len(ordered), noun)} with {part} of net"


def _table(noun: str, rows: Rows, names: Callable[[Row], tuple[str, ...]], heads: tuple[str, ...]) -> Table:
    lines = tuple((*names(row), *_amounts(row)) for row in rows)
    total = ("all", *("" for _ in heads[1:]), *_amounts(_total(rows)))
    return Table(formats.all_of(len(rows), noun), (*heads, *AMOUNTS), lines, total, is_folded=len(rows) >= FOLDED_FROM)


def _shares(noun: str, rows: Rows, names: Callable[[Row], tuple[str, ...]], heads: tuple[str, ...]) -> Table:
    plain = _table(noun, rows, names, heads)
    whole = summed(rows, "net_revenue")
    shares = [formats.percent(formats.share(row["net_revenue"], whole)) for row in rows]
    lines = tuple((*line, part) for line, part in zip(plain.rows, shares, strict=True))
    return Table(plain.title, (*plain.heads, "#of net"), lines, (*plain.total, ""), is_folded=plain.is_folded)


def _amounts(row: Row) -> tuple[str, ...]:
    return tuple(formats.money(row[column]) for column in ("gross_amount", "refund_amount", "net_revenue"))


def _total(rows: Rows) -> dict[str, Decimal]:
    return {column: summed(rows, column) for column in ("gross_amount", "refund_amount", "net_revenue")}


def _greatest_first(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: -row["net_revenue"])
