"""Charts of revenue. Each takes rows of one currency and returns a Vega-Lite specification.

Colours are names (`@net`), for which the page puts those of the reader's light or dark theme. Amounts are drawn
as floats and written as exact texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import altair as alt

from calve.report import formats
from calve.report.blocks import Legend, Spec
from calve.report.figures import Row, Rows

SERIES = 6
BARS_SHOWN = 12
_SHORT = "format(datum.value, abs(datum.value) < 1000 ? '{sign}~r' : '{sign}~s')"
_AMOUNT_LABEL = "datum.value == 0 ? '0' : " + _SHORT.format(sign="")
_DIFFERENCE_LABEL = "datum.value == 0 ? '0' : " + _SHORT.format(sign="+")
_MONTH_LABEL = (
    "datum.index == 0 || slice(datum.value, 5) == '01' "
    "? [utcFormat(toDate(datum.value + '-01'), '%b'), slice(datum.value, 0, 4)] "
    ": utcFormat(toDate(datum.value + '-01'), '%b')"
)


def spec_of(chart: Any, *, height: int) -> Spec:
    """Return a chart as a specification that fills the width it is given."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    spec: Spec = chart.properties(width="container", height=height, autosize=fit).to_dict()
    # The page names the library's version; the reference is only an address.
    spec.pop("$schema")
    return spec


def data_of(rows: Sequence[Row]) -> alt.InlineData:
    """Return rows as a chart's data."""
    return alt.InlineData(values=[{name: _plain(value) for name, value in row.items()} for row in rows])


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, int | float | str | bool | None) else str(value)


def amounts(row: Row, *columns: str) -> Row:
    """Return amounts as exact texts, for what is shown when a mark is pointed at."""
    return {f"{column}_text": formats.money(row[column]) for column in columns}


def region_of(row: Row) -> str:
    """Return a row's region in words."""
    return row["region_name"] or "(no region)"


def facility_of(row: Row) -> str:
    """Return a row's facility in words."""
    return row["facility_name"] or f"facility {row['facility_id']}"


def category_of(row: Row) -> str:
    """Return a row's top category in words."""
    return formats.path(row["top_category"])


def legend_of(names: Iterable[str]) -> Legend:
    """Return the colours of names: the same names have the same colours, whatever their order."""
    return tuple((f"series-{1 + place % SERIES}", name) for place, name in enumerate(sorted(set(names))))


def months(rows: Rows, *, through: str) -> Spec:
    """Draw gross up, refunds down, and net as a line, per month; the month that goes on is paler."""
    drawn = [
        {
            "month": f"{row['month_start']:%Y-%m}",
            "gross": row["gross_amount"],
            "refunds": -row["refund_amount"],
            "net": row["net_revenue"],
            "state": "goes on" if f"{row['month_start']:%Y-%m}" > through else "over",
            **amounts(row, "gross_amount", "refund_amount", "net_revenue"),
        }
        for row in rows
    ]
    tips = _tips(month="month", gross="gross_amount_text", refunds="refund_amount_text", net="net_revenue_text")
    base = alt.Chart(data_of(drawn)).encode(
        x=alt.X("month:O", title=None, axis=alt.Axis(labelExpr=_MONTH_LABEL, labelAngle=0, labelOverlap=True)),
        opacity=alt.Opacity("state:O", scale=alt.Scale(domain=["over", "goes on"], range=[1, 0.45]), legend=None),
        tooltip=tips,
    )
    gross = base.mark_bar(color="@gross", cornerRadiusEnd=3).encode(y=alt.Y("gross:Q", title=None, axis=_amounts()))
    refunds = base.mark_bar(color="@refunds", cornerRadiusEnd=3).encode(y="refunds:Q")
    over = base.transform_filter("datum.state == 'over'")
    line = over.mark_line(color="@net", strokeWidth=2).encode(y="net:Q", opacity=alt.value(1))
    points = base.mark_point(color="@net", filled=True, size=36).encode(y="net:Q")
    return spec_of(gross + refunds + line + points, height=240)


def region_months(rows: Rows) -> Spec:
    """Draw net revenue and refunds of regions side by side."""
    drawn = [
        {
            "region": region_of(row),
            "net": row["net_revenue"],
            **amounts(row, "gross_amount", "refund_amount", "net_revenue"),
        }
        for row in rows
    ]
    tips = _tips(region="region", gross="gross_amount_text", refunds="refund_amount_text", net="net_revenue_text")
    return _bars(drawn, "region", "net", tips, colour=None)


def facilities(rows: Rows) -> Spec:
    """Draw net revenue of each facility, the greatest first, in the colour of its region."""
    drawn = [
        {
            "facility": facility_of(row),
            "region": region_of(row),
            "net": row["net_revenue"],
            **amounts(row, "gross_amount", "refund_amount", "net_revenue"),
        }
        for row in rows
    ]
    tips = _tips(
        facility="facility",
        region="region",
        gross="gross_amount_text",
        refunds="refund_amount_text",
        net="net_revenue_text",
    )
    return _bars(drawn, "facility", "net", tips, colour="region")


def products(rows: Rows) -> Spec:
    """Draw net revenue of the products that bring most, in the colour of their category."""
    drawn = [
        {
            "product": row["product_name"],
            "category": category_of(row),
            "net": row["net_revenue"],
            **amounts(row, "gross_amount", "refund_amount", "net_revenue"),
        }
        for row in sorted(rows, key=lambda row: -row["net_revenue"])[:BARS_SHOWN]
    ]
    tips = _tips(
        product="product",
        category="category",
        gross="gross_amount_text",
        refunds="refund_amount_text",
        net="net_revenue_text",
    )
    return _bars(drawn, "product", "net", tips, colour="category")


def weeks(rows: Rows) -> Spec:
    """Draw net revenue per week, and that of the same week a year before as a dashed line."""
    drawn = []
    for row in rows:
        for kind, column in (("this year", "net_revenue"), ("52 weeks before", "year_ago_net_revenue")):
            if row[column] is not None:
                text = {"text": formats.money(row[column])}
                drawn.append({"week": str(row["period_start"]), "kind": kind, "net": row[column], **text})
    kinds = ["this year", "52 weeks before"]
    colour = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=["@net", "@muted"]), legend=None)
    dash = alt.StrokeDash("kind:N", scale=alt.Scale(domain=kinds, range=[[1, 0], [5, 4]]), legend=None)
    base = alt.Chart(data_of(drawn)).encode(
        x=alt.X("week:T", timeUnit="utcyearmonthdate", title=None, axis=alt.Axis(format="%-d %b", tickCount=6)),
        y=alt.Y("net:Q", title=None, scale=alt.Scale(zero=True), axis=_amounts()),
        color=colour,
        strokeDash=dash,
        tooltip=_tips(week_from="week", year="kind", net="text"),
    )
    return spec_of(base.mark_line(strokeWidth=2) + base.mark_point(filled=True, size=36, opacity=1), height=220)


def movers(rows: Rows) -> Spec:
    """Draw by how much each facility's net revenue moved against the month before."""
    drawn = [
        {
            "facility": facility_of(row),
            "moved": row["net_revenue"] - (row["previous_net_revenue"] or Decimal(0)),
            "way": "more" if row["net_revenue"] >= (row["previous_net_revenue"] or 0) else "less",
            "by": formats.change(row["previous_change_percent"]),
            **amounts(row, "net_revenue", "previous_net_revenue"),
        }
        for row in rows
    ]
    tips = _tips(facility="facility", net="net_revenue_text", month_before="previous_net_revenue_text", change="by")
    scale = alt.Scale(domain=["more", "less"], range=["@more", "@less"])
    bars = (
        alt.Chart(data_of(drawn))
        .mark_bar(cornerRadiusEnd=3, height=13)
        .encode(
            x=alt.X("moved:Q", title=None, axis=_differences()),
            y=alt.Y("facility:N", sort="-x", title=None, axis=_NAMES),
            color=alt.Color("way:N", scale=scale, legend=None),
            tooltip=tips,
        )
    )
    return spec_of(bars, height=21 * len(drawn))


def categories(rows: Rows) -> Spec:
    """Draw each category's share of each region's gross as a field whose strength is the share."""
    drawn = [
        {
            "region": region_of(row),
            "category": formats.path(row["category_path"]),
            "share": row["share_percent"],
            "text": formats.percent(row["share_percent"]),
            "rank": row["rank_in_region"],
            "index": formats.count(row["index_to_currency"]),
            **amounts(row, "gross_amount"),
        }
        for row in rows
    ]
    tips = _tips(
        region="region", category="category", share="text", rank="rank", index="index", gross="gross_amount_text"
    )
    strongest = list(dict.fromkeys(row["category"] for row in sorted(drawn, key=lambda row: -(row["share"] or 0))))
    base = alt.Chart(data_of(drawn)).encode(
        x=alt.X("region:N", title=None, axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False)),
        y=alt.Y("category:N", title=None, sort=strongest, axis=_NAMES),
        tooltip=tips,
    )
    scale = alt.Scale(range=["@ramp-low", "@ramp-high"], zero=True)
    fields = base.mark_rect(cornerRadius=4, stroke="@card", strokeWidth=3).encode(
        color=alt.Color("share:Q", scale=scale, legend=None)
    )
    texts = base.mark_text(color="@ink", fontSize=12).encode(text="text:N")
    return spec_of(fields + texts, height=32 * len(strongest))


_NAMES = alt.Axis(labelLimit=185, domain=False, ticks=False, labelPadding=6)


def _bars(drawn: Rows, name: str, amount: str, tips: list[alt.Tooltip], *, colour: str | None) -> Spec:
    bars = (
        alt.Chart(data_of(drawn))
        .mark_bar(cornerRadiusEnd=3, height=13, color="@net")
        .encode(
            x=alt.X(f"{amount}:Q", title=None, axis=_amounts()),
            y=alt.Y(f"{name}:N", sort="-x", title=None, axis=_NAMES),
            tooltip=tips,
        )
    )
    if colour:
        legend = legend_of(row[colour] for row in drawn)
        scale = alt.Scale(domain=[word for _, word in legend], range=[f"@{name}" for name, _ in legend])
        bars = bars.encode(color=alt.Color(f"{colour}:N", scale=scale, legend=None))
    return spec_of(bars, height=21 * len(drawn))


def _amounts() -> alt.Axis:
    return alt.Axis(labelExpr=_AMOUNT_LABEL, tickCount=5)


def _differences() -> alt.Axis:
    colour = {"condition": {"test": "datum.value == 0", "value": "@muted"}, "value": "@line"}
    return alt.Axis(labelExpr=_DIFFERENCE_LABEL, tickCount=5, gridColor=colour)


def _tips(**fields: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{field}:N", title=title.replace("_", " ")) for title, field in fields.items()]
