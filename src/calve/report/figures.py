"""What the page shows, read from the REPORTING views and from nothing else.

Promises that all figures come from one served state: what is served is read before and after them, and they are
read again when it moved in between. Never reads an account, and never sums across currencies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from calve.errors import WarehouseUnavailableError

Row = dict[str, Any]
Rows = list[Row]
Read = Callable[[str], Rows]

TRIES = 5
# Statements at a time: each takes a login and a few round trips, whatever it computes.
READERS = 4
WEEKS_SHOWN = 26
REVENUE_VIEWS = frozenset({"REVENUE_DAILY", "REVENUE_MONTHLY", "REVENUE_COMPARE", "CATEGORY_COMPARE"})
_AMOUNTS = """
    sum(sales.line_count) as line_count,
    sum(sales.gross_amount) as gross_amount,
    sum(sales.refund_amount) as refund_amount,
    sum(sales.net_revenue) as net_revenue,
    max(sales.verified_through) as verified_through"""


@dataclass(frozen=True)
class Figures:
    """One served state in figures.

    Attributes:
        publications: One row per dataset and publication, newest first.
        runs: One row per run that has verdicts, newest first, with its rules counted by outcome.
        rules: The newest verdict of each dataset, one row per rule.
        broken: One row per run, dataset and rule that did not hold, newest first.
        currencies: Everything that is served, one row per currency.
        months: One row per currency and month.
        regions: One row per currency and region.
        facilities: One row per currency and facility.
        products: One row per currency and product.
        periods: Newest complete and the running week, month and year, one row per currency.
        weeks: Complete weeks, oldest first, one row per currency.
        movers: The newest complete month, one row per currency and facility.
        categories: The newest complete month, one row per currency, region and category.
    """

    publications: Rows
    runs: Rows
    rules: Rows
    broken: Rows
    currencies: Rows
    months: Rows
    regions: Rows
    facilities: Rows
    products: Rows
    periods: Rows
    weeks: Rows
    movers: Rows
    categories: Rows

    def served(self, dataset: str) -> Row | None:
        """Return the publication that is served of a dataset."""
        return next((row for row in self.publications if row["dataset"] == dataset and row["is_served"]), None)


def gather(read: Read) -> Figures:
    """Read all figures of one served state.

    Raises:
        WarehouseUnavailableError: Snowflake was switched again and again meanwhile; nothing was written.
    """
    for _ in range(TRIES):
        before = _state(read)
        figures = Figures(**before, **_judged(read), **_revenue(read))
        if _state(read) == before:
            return figures
    msg = (
        f"page: found what Snowflake serves switched during each of {TRIES} readings, expected one state; "
        "run `calve report` when no run is being published"
    )
    raise WarehouseUnavailableError(msg)


def _state(read: Read) -> dict[str, Rows]:
    publications = """
        select
            published.pipeline, published.dataset, published.publication, published.run_key, published.since,
            published.until, published.published_at, published.snapshot_id, published.row_count,
            published.contract_digest, published.is_served, published.verified_through
        from reporting.publication as published
        order by published.publication desc, published.dataset
        """
    runs = """
        select
            judged.pipeline, judged.run_key, max(judged.publication) as publication,
            max(judged.decided_at) as decided_at, count(*) as rules,
            sum(case when judged.outcome = 'passed' then 1 else 0 end) as passed,
            sum(case when judged.outcome = 'warned' then 1 else 0 end) as warned,
            sum(case when judged.outcome = 'quarantined' then 1 else 0 end) as quarantined,
            sum(case when judged.outcome = 'blocked' then 1 else 0 end) as blocked
        from reporting.data_quality as judged
        group by judged.pipeline, judged.run_key
        order by decided_at desc, judged.run_key desc
        """
    return _each(read, {"publications": publications, "runs": runs})


def _each(read: Read, statements: Mapping[str, str]) -> dict[str, Rows]:
    with ThreadPoolExecutor(READERS) as pool:
        return dict(zip(statements, pool.map(read, statements.values()), strict=True))


def _judged(read: Read) -> dict[str, Rows]:
    columns = """
        judged.pipeline, judged.dataset, judged.run_key, judged.publication, judged.rule, judged.severity,
        judged.outcome, judged.checked_rows, judged.broken_rows, judged.allowed_rows, judged.detail,
        judged.decided_at, judged.verified_through"""
    newest = f"""
        with ranked as (
            select {columns}, dense_rank() over (
                partition by judged.dataset order by judged.decided_at desc, judged.run_key desc
            ) as place
            from reporting.data_quality as judged
        )
        select {columns}
        from ranked as judged
        where judged.place = 1
        order by judged.pipeline, judged.dataset, judged.rule
        """
    broken = f"""
        select {columns}
        from reporting.data_quality as judged
        where judged.outcome <> 'passed'
        order by judged.decided_at desc, judged.run_key desc, judged.dataset, judged.rule
        """
    return _each(read, {"rules": newest, "broken": broken})


def _revenue(read: Read) -> dict[str, Rows]:
    names = ("currencies", "months", "regions", "facilities", "products", "periods", "weeks", "movers", "categories")
    there = {row["name"].upper() for row in read("show views in schema reporting")}
    if not there >= REVENUE_VIEWS:
        return {name: [] for name in names}
    whole = _each(read, _WHOLE)
    begin = min((row["first_date"] for row in whole["currencies"]), default=date.max)
    periods = wholly_known(whole.pop("periods"), begin)
    month = newest_month(periods)
    of_month = {"movers": _MOVERS.format(month=month), "categories": _CATEGORIES.format(month=month)} if month else {}
    newest: dict[str, Rows] = {"movers": [], "categories": [], **_each(read, of_month)}
    return {
        **whole,
        "periods": shown_periods(periods),
        "weeks": shown_weeks(periods),
        "movers": wholly_known(newest["movers"], begin),
        "categories": newest["categories"],
    }


def wholly_known(rows: Rows, begin: date) -> Rows:
    """Take out what is compared with a period that began before the data do: a year is no match for its last day."""
    found = []
    for row in rows:
        before, year_ago = _starts_compared(row["period_kind"], row["period_start"])
        unknown: Row = {"previous_net_revenue": None, "previous_change_percent": None} if before < begin else {}
        if year_ago < begin:
            unknown |= {"year_ago_net_revenue": None, "year_ago_change_percent": None}
        found.append(row | unknown)
    return found


def _starts_compared(kind: str, start: date) -> tuple[date, date]:
    if kind == "WEEK":
        return start - timedelta(weeks=1), start - timedelta(weeks=52)
    year_ago = start.replace(year=start.year - 1)
    if kind == "YEAR":
        return year_ago, year_ago
    return (start - timedelta(days=1)).replace(day=1), year_ago


def newest_month(periods: Rows) -> date | None:
    """Return the first day of the newest month that is over."""
    over = [row["period_start"] for row in periods if row["period_kind"] == "MONTH" and row["is_complete"]]
    return max(over, default=None)


def shown_periods(periods: Rows) -> Rows:
    """Keep, per currency and kind, the newest period that is over and the one that goes on."""
    newest: dict[tuple[str, str, bool], Row] = {}
    for row in periods:
        newest[row["currency"], row["period_kind"], row["is_complete"]] = row
    order = ("WEEK", "MONTH", "YEAR")
    return sorted(
        newest.values(), key=lambda row: (row["currency"], order.index(row["period_kind"]), row["is_complete"])
    )


def shown_weeks(periods: Rows) -> Rows:
    """Keep the newest weeks that are over."""
    weeks = [row for row in periods if row["period_kind"] == "WEEK" and row["is_complete"]]
    starts = sorted({row["period_start"] for row in weeks})[-WEEKS_SHOWN:]
    return [row for row in weeks if row["period_start"] in starts]


def by_currency(rows: Rows) -> Mapping[str, Rows]:
    """Return the rows of each currency, the currencies in the order of their names."""
    found: dict[str, Rows] = {}
    for row in sorted(rows, key=lambda row: str(row["currency"])):
        found.setdefault(row["currency"], []).append(row)
    return found


def _per(view: str, *columns: str) -> str:
    listed = ", ".join(f"sales.{column}" for column in ("currency", *columns))
    return f"select {listed}, {_AMOUNTS} from {view} as sales group by {listed} order by {listed}"


_CURRENCIES = f"""
    select
        sales.currency, min(sales.business_date) as first_date, max(sales.business_date) as last_date, {_AMOUNTS}
    from reporting.revenue_daily as sales
    group by sales.currency
    order by sales.currency
    """
_COMPARED = """
    sum(compared.net_revenue) as net_revenue,
    sum(compared.previous_net_revenue) as previous_net_revenue,
    case
        when sum(compared.previous_net_revenue) > 0
            then cast(100.0 * sum(compared.net_revenue) / sum(compared.previous_net_revenue) - 100 as number(12, 1))
    end as previous_change_percent,
    sum(compared.year_ago_net_revenue) as year_ago_net_revenue,
    case
        when sum(compared.year_ago_net_revenue) > 0
            then cast(100.0 * sum(compared.net_revenue) / sum(compared.year_ago_net_revenue) - 100 as number(12, 1))
    end as year_ago_change_percent,
    max(compared.compared_through) as compared_through,
    max(compared.verified_through) as verified_through"""
_PERIODS = f"""
    select compared.currency, compared.period_kind, compared.period_start, compared.is_complete, {_COMPARED}
    from reporting.revenue_compare as compared
    group by compared.currency, compared.period_kind, compared.period_start, compared.is_complete
    order by compared.period_start, compared.currency, compared.period_kind
    """
_MOVERS = f"""
    select
        compared.currency, compared.period_kind, compared.period_start, compared.region_name, compared.facility_id,
        compared.facility_name, {_COMPARED}
    from reporting.revenue_compare as compared
    where compared.period_kind = 'MONTH' and compared.period_start = '{{month}}'
    group by
        compared.currency, compared.period_kind, compared.period_start, compared.region_name, compared.facility_id,
        compared.facility_name
    order by compared.currency, compared.facility_name, compared.facility_id
    """
_CATEGORIES = """
    select
        shares.month_start, shares.currency, shares.region_name, shares.category_path, shares.gross_amount,
        shares.share_percent, shares.rank_in_region, shares.index_to_currency, shares.verified_through
    from reporting.category_compare as shares
    where shares.month_start = '{month}'
    order by shares.currency, shares.region_name, shares.region_id, shares.rank_in_region, shares.category_path
    """
# The longest first.
_WHOLE = {
    "periods": _PERIODS,
    "currencies": _CURRENCIES,
    "months": _per("reporting.revenue_monthly", "month_start"),
    "regions": _per("reporting.revenue_monthly", "region_id", "region_name"),
    "facilities": _per("reporting.revenue_monthly", "region_name", "facility_id", "facility_name"),
    "products": _per("reporting.revenue_monthly", "product_id", "product_name", "category_path", "top_category"),
}
