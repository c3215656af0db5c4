-- Revenue per month of the business date. Grain: month_start, facility_id, product_id, currency.
create or replace view reporting.revenue_monthly as
select
    cast(date_trunc('month', sales.business_date) as date) as month_start,
    sales.currency,
    sales.product_id,
    sales.product_name,
    sales.product_type,
    sales.category_id,
    sales.category_path,
    sales.top_category,
    sales.region_id,
    sales.region_name,
    sales.facility_id,
    sales.facility_name,
    sum(cast(sales.line_count as number(19, 0))) as line_count,
    sum(cast(sales.quantity as number(19, 0))) as quantity,
    sum(cast(sales.gross_amount as number(18, 2))) as gross_amount,
    sum(cast(sales.refund_amount as number(18, 2))) as refund_amount,
    sum(cast(sales.net_revenue as number(18, 2))) as net_revenue,
    max(sales.verified_through) as verified_through
from reporting.revenue_daily as sales
group by
    cast(date_trunc('month', sales.business_date) as date),
    sales.currency,
    sales.product_id,
    sales.product_name,
    sales.product_type,
    sales.category_id,
    sales.category_path,
    sales.top_category,
    sales.region_id,
    sales.region_name,
    sales.facility_id,
    sales.facility_name;
