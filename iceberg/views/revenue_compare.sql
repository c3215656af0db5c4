-- Each week, month and year against the one before and the same one a year before, like for like:
-- a period that is not over is compared with as many days of the others.
-- Grain: period_kind, period_start, facility_id, currency.
create or replace view reporting.revenue_compare as
with newest as (
    -- The last date that is over in every time zone when the served interval ends.
    select cast(convert_timezone('UTC', served.until) as date) - 2 as compared_through
    from live.publication as served
    where
        served.is_served
        and served.dataset = 'agg_facility_product_day'
),

periods as (
    select
        'WEEK' as period_kind,
        calendar.week_start as period_start,
        calendar.week_start + 7 as period_end,
        calendar.week_start - 7 as previous_start,
        calendar.week_start - 364 as year_ago_start,
        calendar.week_start - 357 as year_ago_end
    from live.dim_date as calendar
    group by calendar.week_start
    union all
    select
        'MONTH' as period_kind,
        calendar.month_start as period_start,
        cast(dateadd(month, 1, calendar.month_start) as date) as period_end,
        cast(dateadd(month, -1, calendar.month_start) as date) as previous_start,
        cast(dateadd(month, -12, calendar.month_start) as date) as year_ago_start,
        cast(dateadd(month, -11, calendar.month_start) as date) as year_ago_end
    from live.dim_date as calendar
    group by calendar.month_start
    union all
    select
        'YEAR' as period_kind,
        calendar.month_start as period_start,
        cast(dateadd(month, 12, calendar.month_start) as date) as period_end,
        cast(dateadd(month, -12, calendar.month_start) as date) as previous_start,
        cast(dateadd(month, -12, calendar.month_start) as date) as year_ago_start,
        calendar.month_start as year_ago_end
    from live.dim_date as calendar
    where calendar.month_of_year = 1
    group by calendar.month_start
),

begun as (
    select
        periods.period_kind,
        periods.period_start,
        periods.period_end,
        periods.previous_start,
        periods.year_ago_start,
        periods.year_ago_end,
        newest.compared_through,
        periods.period_end <= newest.compared_through + 1 as is_complete,
        newest.compared_through - periods.period_start + 1 as elapsed_days
    from periods
    inner join newest on periods.period_start <= newest.compared_through
),

spans as (
    select
        begun.period_kind,
        begun.period_start,
        begun.period_start as span_start,
        begun.period_end as span_end,
        'CURRENT' as span_kind
    from begun
    union all
    select
        begun.period_kind,
        begun.period_start,
        begun.previous_start as span_start,
        case
            when begun.is_complete then begun.period_start
            else least(
                begun.period_start,
                cast(dateadd(day, begun.elapsed_days, begun.previous_start) as date)
            )
        end as span_end,
        'PREVIOUS' as span_kind
    from begun
    union all
    select
        begun.period_kind,
        begun.period_start,
        begun.year_ago_start as span_start,
        case
            when begun.is_complete then begun.year_ago_end
            else least(
                begun.year_ago_end,
                cast(dateadd(day, begun.elapsed_days, begun.year_ago_start) as date)
            )
        end as span_end,
        'YEAR_AGO' as span_kind
    from begun
),

sums as (
    select
        spans.period_kind,
        spans.period_start,
        sales.currency,
        sales.region_id,
        sales.region_name,
        sales.facility_id,
        sales.facility_name,
        max(sales.verified_through) as verified_through,
        sum(
            cast(case when spans.span_kind = 'CURRENT' then sales.gross_amount else 0 end as number(18, 2))
        ) as gross_amount,
        sum(
            cast(case when spans.span_kind = 'CURRENT' then sales.net_revenue else 0 end as number(18, 2))
        ) as net_revenue,
        sum(
            cast(case when spans.span_kind = 'PREVIOUS' then sales.gross_amount end as number(18, 2))
        ) as previous_gross_amount,
        sum(
            cast(case when spans.span_kind = 'PREVIOUS' then sales.net_revenue end as number(18, 2))
        ) as previous_net_revenue,
        sum(
            cast(case when spans.span_kind = 'YEAR_AGO' then sales.gross_amount end as number(18, 2))
        ) as year_ago_gross_amount,
        sum(
            cast(case when spans.span_kind = 'YEAR_AGO' then sales.net_revenue end as number(18, 2))
        ) as year_ago_net_revenue
    from spans
    inner join reporting.revenue_daily as sales
        on spans.span_start <= sales.business_date and spans.span_end > sales.business_date
    inner join newest on sales.business_date <= newest.compared_through
    group by
        spans.period_kind,
        spans.period_start,
        sales.currency,
        sales.region_id,
        sales.region_name,
        sales.facility_id,
        sales.facility_name
)

select
    sums.period_kind,
    sums.period_start,
    sums.currency,
    sums.region_id,
    sums.region_name,
    sums.facility_id,
    sums.facility_name,
    begun.is_complete,
    begun.compared_through,
    sums.gross_amount,
    sums.net_revenue,
    sums.previous_gross_amount,
    sums.previous_net_revenue,
    sums.year_ago_gross_amount,
    sums.year_ago_net_revenue,
    sums.verified_through,
    case
        when sums.previous_net_revenue > 0
            then cast(100.0 * sums.net_revenue / sums.previous_net_revenue - 100 as number(12, 1))
    end as previous_change_percent,
    case
        when sums.year_ago_net_revenue > 0
            then cast(100.0 * sums.net_revenue / sums.year_ago_net_revenue - 100 as number(12, 1))
    end as year_ago_change_percent
from sums
inner join begun on sums.period_kind = begun.period_kind and sums.period_start = begun.period_start;
