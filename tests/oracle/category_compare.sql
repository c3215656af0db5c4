-- What share of a region's gross a category has. Grain: month_start, region_id, category_id, currency.
with cells as (
    select
        month_start,
        currency,
        region_id,
        region_name,
        category_id,
        category_path,
        sum(gross_amount) as gross_amount
    from ({revenue_monthly}) as monthly
    where product_id > 0
    group by 1, 2, 3, 4, 5, 6
),
shares as (
    select
        c.*,
        (select sum(o.gross_amount) from cells as o where (o.month_start, o.currency) = (c.month_start, c.currency))
            as everything,
        (
            select sum(o.gross_amount)
            from cells as o
            where (o.month_start, o.currency, o.region_id) = (c.month_start, c.currency, c.region_id)
        ) as of_region,
        (
            select sum(o.gross_amount)
            from cells as o
            where (o.month_start, o.currency, o.category_id) = (c.month_start, c.currency, c.category_id)
        ) as of_category,
        (
            select count(*) + 1
            from cells as o
            where
                (o.month_start, o.currency, o.region_id) = (c.month_start, c.currency, c.region_id)
                and o.gross_amount > c.gross_amount
        ) as rank_in_region
    from cells as c
)
select
    month_start,
    currency,
    region_id,
    region_name,
    category_id,
    category_path,
    gross_amount,
    rank_in_region,
    case when of_region > 0 then round(100 * gross_amount / of_region, 1) end as share_percent,
    case
        when of_region > 0 and of_category > 0
            then round(100 * gross_amount * everything / (of_region * of_category))
    end as index_to_currency
from shares
