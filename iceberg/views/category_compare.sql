-- How much of a region's gross each category sells, and against all regions of the currency.
-- Grain: month_start, region_id, category_id, currency.
create or replace view reporting.category_compare as
with cells as (
    select
        sales.month_start,
        sales.currency,
        sales.region_id,
        sales.region_name,
        sales.category_id,
        sales.category_path,
        sum(cast(sales.gross_amount as number(18, 2))) as gross_amount,
        max(sales.verified_through) as verified_through
    from reporting.revenue_monthly as sales
    where sales.product_id <> 0
    group by
        sales.month_start,
        sales.currency,
        sales.region_id,
        sales.region_name,
        sales.category_id,
        sales.category_path
),

totals as (
    select
        cells.month_start,
        cells.currency,
        cells.region_id,
        cells.region_name,
        cells.category_id,
        cells.category_path,
        cells.gross_amount,
        cells.verified_through,
        sum(cast(cells.gross_amount as number(18, 2))) over (
            partition by cells.month_start, cells.currency, cells.region_id
        ) as region_gross_amount,
        sum(cast(cells.gross_amount as number(18, 2))) over (
            partition by cells.month_start, cells.currency, cells.category_id
        ) as category_gross_amount,
        sum(cast(cells.gross_amount as number(18, 2))) over (
            partition by cells.month_start, cells.currency
        ) as all_gross_amount
    from cells
)

select
    totals.month_start,
    totals.currency,
    totals.region_id,
    totals.region_name,
    totals.category_id,
    totals.category_path,
    totals.gross_amount,
    totals.verified_through,
    rank() over (
        partition by totals.month_start, totals.currency, totals.region_id
        order by totals.gross_amount desc
    ) as rank_in_region,
    case
        when totals.region_gross_amount > 0
            then cast(100.0 * totals.gross_amount / totals.region_gross_amount as number(12, 1))
    end as share_percent,
    case
        when totals.region_gross_amount > 0 and totals.category_gross_amount > 0
            then cast(
                100.0 * (totals.gross_amount / totals.region_gross_amount)
                / (totals.category_gross_amount / totals.all_gross_amount)
                as number(12, 0)
            )
    end as index_to_currency
from totals;
