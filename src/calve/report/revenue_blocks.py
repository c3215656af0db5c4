"""Revenue in findings, charts and tables, each per currency and never summed across.

A table's last row is the sum of the rows above it, exactly; the tests hold it against the views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from calve.report import formats, revenue_charts
from calve.report.blocks import Block, Card, Section, Spec, Table
from calve.report.figures import Figures, Row, Rows, by_currency, newest_month

DATASET = "agg_facility_product_day"
NOTHING = "No revenue is served yet: the views appear when the pipeline is first published."
AMOUNTS = ("#gross", "#refunds", "#net")
FOLDED_FROM = 8
ZERO = Decimal(0)


def source_of(figures: Figures, rows: Rows) -> str:
    """Say how far rows of revenue are verified, and which publication they come from."""
    verified = next((row["verified_through"] for row in rows if row["verified_through"]), None)
    trust = f"Verified through {formats.day(verified)}" if verified else "Not verified yet"
    served = figures.served(DATASET)
    if served is None:
        return trust
    return (
        f"{trust} · {DATASET}, publication {served['publication']}, run {served['run_key']}, "
        f"snapshot {served['snapshot_id']}"
    )


def cards(figures: Figures) -> tuple[Card, ...]:
    """Return the head of the page: what each currency brought, and how its newest month compares."""
    found = []
    months = {row["currency"]: row for row in figures.periods if row["period_kind"] == "MONTH" and row["is_complete"]}
    for row in figures.currencies:
        words = [f"gross {formats.money(row['gross_amount'])}, refunds {formats.money(row['refund_amount'])}"]
        if newest := months.get(row["currency"]):
            month = formats.month(newest["period_start"])
            words.append(f"{month}: net {formats.money(newest['net_revenue'])}, {_compared(newest, 'month')}")
        label = f"{row['currency']} net revenue, {formats.day(row['first_date'])} to {formats.day(row['last_date'])}"
        source = source_of(figures, [row])
        found.append(Card(label, formats.money(row["net_revenue"]), tuple(words), source))
    return tuple(found)


def _compared(row: Row, kind: str) -> str:
    parts = [
        f"{formats.against(row[column])} {words}"
        for column, words in (
            ("previous_change_percent", f"the {kind} before"),
            ("year_ago_change_percent", "the year before"),
        )
        if row[column] is not None
    ]
    return formats.listed(parts) or "with nothing to compare it with yet"


def revenue(figures: Figures) -> Section:
    """Return revenue by month, region, facility and product."""
    over = newest_month([row for row in figures.periods if row["is_complete"]])
    blocks = [
        *_per_currency(figures, "months", figures.months, lambda currency, rows: _months(currency, rows, over)),
        *_per_currency(figures, "regions", figures.regions, _regions),
        *_per_currency(figures, "facilities", figures.facilities, _facilities),
        *_per_currency(figures, "products", figures.products, _products),
    ]
    words = (
        "Gross is what sold lines cost after discount and with tax; refunds count on the day they were settled; net is "
        "gross less refunds. Amounts stay in their own currency."
    )
    return Section("revenue", "Revenue", words, tuple(blocks), NOTHING)


def comparisons(figures: Figures) -> Section:
    """Return week, month and year against those before, and categories against each other."""
    blocks = [
        *_per_currency(figures, "periods", figures.periods, _periods),
        *_per_currency(figures, "weeks", figures.weeks, _weeks),
        *_per_currency(figures, "movers", figures.movers, _movers),
        *_per_currency(figures, "categories", figures.categories, _categories),
    ]
    words = (
        "Like for like: a week, month or year that still goes on is compared with as many days of the others. The year "
        "before a week is the week 52 weeks earlier. What began before the data do is not compared with."
    )
    return Section("comparisons", "Comparisons", words, tuple(blocks), NOTHING)


Shown = tuple[str, str, Spec | None, Table]


def _per_currency(figures: Figures, name: str, rows: Rows, shown: Callable[[str, Rows], Shown]) -> Iterator[Block]:
    for currency, some in by_currency(rows).items():
        finding, words, chart, table = shown(currency, some)
        yield Block(f"{name}-{currency.lower()}", finding, words, source_of(figures, some), chart, table)


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
    words = "Bars: gross up, refunds down. Line: net. A paler month is not over."
    return finding, words, revenue_charts.months(rows, through=f"{newest:%Y-%m}"), table


def _regions(currency: str, rows: Rows) -> Shown:
    ordered = _greatest_first(rows)
    whole = _sum(rows, "net_revenue")
    first = ordered[0]
    part = formats.share(first["net_revenue"], whole)
    finding = f"{currency}: {first['region_name'] or '(no region)'} brings {formats.percent(part)} of net revenue"
    table = _shares("region", ordered, lambda row: (row["region_name"] or "(no region)",), ("region",))
    return finding, "", revenue_charts.region_months(ordered), table


def _facilities(currency: str, rows: Rows) -> Shown:
    ordered = _greatest_first(rows)
    whole = _sum(rows, "net_revenue")
    first = ordered[0]
    name = first["facility_name"] or f"facility {first['facility_id']}"
    part = formats.share(first["net_revenue"], whole)
    finding = f"{currency}: {name} leads {formats.counted(len(rows), 'facility')} with {formats.percent(part)} of net"
    table = _shares(
        "facility",
        ordered,
        lambda row: (row["facility_name"] or f"facility {row['facility_id']}", row["region_name"] or "(no region)"),
        ("facility", "region"),
    )
    return finding, "", revenue_charts.facilities(ordered), table


def _products(currency: str, rows: Rows) -> Shown:
    ordered = _greatest_first(rows)
    shown = ordered[: revenue_charts.BARS_SHOWN]
    part = formats.share(_sum(shown, "net_revenue"), _sum(rows, "net_revenue"))
    finding = (
        f"{currency}: {formats.counted(len(shown), 'product')} of {len(rows)} bring {formats.percent(part)} of net"
    )
    words = f"The chart shows these {len(shown)}; the table has all." if len(shown) < len(rows) else ""
    table = _shares(
        "row", ordered, lambda row: (row["product_name"], formats.path(row["category_path"])), ("product", "category")
    )
    return finding, words, revenue_charts.products(ordered), table


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
    return finding, words, None, Table("Week, month and year", heads, lines)


def _period(row: Row) -> str:
    start = row["period_start"]
    name = {
        "WEEK": f"Week of {formats.day(start)}",
        "MONTH": formats.month(start),
        "YEAR": str(start.year),
    }[row["period_kind"]]
    return name if row["is_complete"] else f"{name}, first {_days(start, row['compared_through'])}"


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
    finding = f"{currency}: the week of {formats.day(last['period_start'])} is {_compared(last, 'week')}"
    heads = ("week from", "#net", "#week before", "#change", "#year before", "#change on year")
    lines = tuple((formats.day(row["period_start"]), *_changes(row)) for row in rows)
    table = Table(f"All {len(rows)} weeks", heads, lines, is_folded=True)
    return (
        finding,
        "Net revenue of complete weeks. Dashed: the week 52 weeks before.",
        revenue_charts.weeks(rows),
        table,
    )


def _movers(currency: str, rows: Rows) -> Shown:
    more = sum(row["net_revenue"] > (row["previous_net_revenue"] or ZERO) for row in rows)
    month = formats.month(rows[0]["period_start"])
    finding = (
        f"{currency}: {more} of {formats.counted(len(rows), 'facility')} sold more in {month} than the month before"
    )
    heads = ("facility", "region", "#net", "#month before", "#change", "#year before", "#change on year")
    lines = tuple((row["facility_name"], row["region_name"], *_changes(row)) for row in rows)
    before, year_ago = _sum(rows, "previous_net_revenue"), _sum(rows, "year_ago_net_revenue")
    total = (
        "all",
        "",
        formats.money(_sum(rows, "net_revenue")),
        formats.money(before),
        "",
        formats.money(year_ago),
        "",
    )
    table = Table(f"All {len(rows)} facilities", heads, lines, total, is_folded=True)
    return finding, "Difference of net revenue.", revenue_charts.movers(rows), table


def _categories(currency: str, rows: Rows) -> Shown:
    month = formats.month(rows[0]["month_start"])
    best = max(rows, key=lambda row: row["share_percent"] or ZERO)
    regions = {row["region_name"] for row in rows}
    finding = (
        f"{currency}: {formats.path(best['category_path'])} had {formats.percent(best['share_percent'])} "
        f"of gross in {best['region_name']} in {month}"
    )
    words = f"Share of a region's gross in {month}. An index above 100: the region buys more of it than others do."
    heads = ("region", "category", "#gross", "#share", "#rank", "#index")
    lines = tuple(
        (
            row["region_name"],
            formats.path(row["category_path"]),
            formats.money(row["gross_amount"]),
            formats.percent(row["share_percent"]),
            formats.count(row["rank_in_region"]),
            formats.count(row["index_to_currency"]),
        )
        for row in rows
    )
    total = ("all", "", formats.money(_sum(rows, "gross_amount")), "", "", "")
    title = f"All categories of {formats.counted(len(regions), 'region')}"
    return finding, words, revenue_charts.categories(rows), Table(title, heads, lines, total, is_folded=True)


def _table(noun: str, rows: Rows, names: Callable[[Row], tuple[str, ...]], heads: tuple[str, ...]) -> Table:
    lines = tuple((*names(row), *_amounts(row)) for row in rows)
    total = ("all", *("" for _ in heads[1:]), *_amounts(_total(rows)))
    title = f"All {formats.counted(len(rows), noun)}" if len(rows) > 1 else "The same as a table"
    return Table(title, (*heads, *AMOUNTS), lines, total, is_folded=len(rows) >= FOLDED_FROM)


def _shares(noun: str, rows: Rows, names: Callable[[Row], tuple[str, ...]], heads: tuple[str, ...]) -> Table:
    plain = _table(noun, rows, names, heads)
    whole = _sum(rows, "net_revenue")
    shares = [formats.percent(formats.share(row["net_revenue"], whole)) for row in rows]
    lines = tuple((*line, part) for line, part in zip(plain.rows, shares, strict=True))
    return Table(plain.title, (*plain.heads, "#of net"), lines, (*plain.total, ""), is_folded=plain.is_folded)


def _amounts(row: Row) -> tuple[str, ...]:
    return tuple(formats.money(row[column]) for column in ("gross_amount", "refund_amount", "net_revenue"))


def _total(rows: Rows) -> Row:
    return {column: _sum(rows, column) for column in ("gross_amount", "refund_amount", "net_revenue")}


def _sum(rows: Rows, column: str) -> Decimal:
    return sum((row[column] or ZERO for row in rows), ZERO)


def _greatest_first(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: -row["net_revenue"])
