-- Revenue per day as metrics.md defines it. Grain: business_date, facility_id, product_id, currency.
create or replace view reporting.revenue_daily as
with trust as (
    -- No date is verified before all three have one.
    select
        case
            when count(served.verified_through) = 3 then min(served.verified_through)
        end as verified_through
    from live.publication as served
    where
        served.is_served
        and served.dataset in ('fct_order_line', 'fct_payment', 'agg_facility_product_day')
)

select
    revenue.business_date,
    revenue.currency,
    revenue.product_id,
    product.product_type,
    category.category_id,
    facility.region_id,
    region.name as region_name,
    revenue.facility_id,
    facility.name as facility_name,
    revenue.line_count,
    revenue.quantity,
    revenue.gross_amount,
    revenue.refund_amount,
    revenue.net_revenue,
    trust.verified_through,
    coalesce(product.name, '(no product)') as product_name,
    coalesce(category.path, '(no product)') as category_path,
    coalesce(category.top_category, '(no product)') as top_category
from live.agg_facility_product_day as revenue
cross join trust
left join live.dim_product as product on revenue.product_id = product.product_id
left join live.dim_category as category on product.category_id = category.category_id
left join live.dim_facility as facility on revenue.facility_id = facility.facility_id
left join live.dim_region as region on facility.region_id = region.region_id;
