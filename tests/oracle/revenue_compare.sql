-- Periods against the one before and the same one a year before, as many days of each.
-- Grain: period_kind, period_start, facility_id, currency.
with days as (
    select
        business_date as day,
        currency,
        region_id,
        region_name,
        facility_id,
        facility_name,
        sum(gross_amount) as gross,
        sum(net_revenue) as net
    from ({revenue_daily}) as daily
    where business_date <= %(until)s::date - 2
    group by 1, 2, 3, 4, 5, 6
),
kinds (kind, unit, step, year_back) as (
    values
    ('WEEK', 'week', interval '7 days', interval '364 days'),
    ('MONTH', 'month', interval '1 month', interval '1 year'),
    ('YEAR', 'year', interval '1 year', interval '1 year')
),
periods as (
    select distinct
        k.kind,
        k.step,
        date_trunc(k.unit, d) as starts,
        date_trunc(k.unit, d) - k.step as before,
        date_trunc(k.unit, d) - k.year_back as year_ago,
        date_trunc(k.unit, d) + k.step <= %(until)s::date - 1 as complete,
        (%(until)s::date - 1) - date_trunc(k.unit, d) as elapsed
    from kinds as k,
        generate_series(timestamp '2024-01-01', (%(until)s::date - 2)::timestamp, interval '1 day') as d
),
placed as (
    select
        p.*,
        d.*,
        d.day >= p.starts and d.day < p.starts + p.step as is_now,
        d.day >= p.before and d.day < p.before + p.step and (p.complete or d.day < p.before + p.elapsed) as is_before,
        d.day >= p.year_ago and d.day < p.year_ago + p.step and (p.complete or d.day < p.year_ago + p.elapsed)
            as is_year_ago
    from periods as p
    cross join days as d
),
sums as (
    select
        kind as period_kind,
        starts::date as period_start,
        currency,
        region_id,
        region_name,
        facility_id,
        facility_name,
        complete as is_complete,
        coalesce(sum(gross) filter (where is_now), 0) as gross_amount,
        coalesce(sum(net) filter (where is_now), 0) as net_revenue,
        sum(gross) filter (where is_before) as previous_gross_amount,
        sum(net) filter (where is_before) as previous_net_revenue,
        sum(gross) filter (where is_year_ago) as year_ago_gross_amount,
        sum(net) filter (where is_year_ago) as year_ago_net_revenue
    from placed
    where is_now or is_before or is_year_ago
    group by 1, 2, 3, 4, 5, 6, 7, 8
)
select
    *,
    %(until)s::date - 2 as compared_through,
    case when previous_net_revenue > 0 then round((net_revenue / previous_net_revenue - 1) * 100, 1) end
        as previous_change_percent,
    case when year_ago_net_revenue > 0 then round((net_revenue / year_ago_net_revenue - 1) * 100, 1) end
        as year_ago_change_percent
from sums
