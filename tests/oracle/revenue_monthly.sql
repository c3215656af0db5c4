-- Revenue per calendar month of the business date. Grain: month_start, facility_id, product_id, currency.
select
    make_date(extract(year from business_date)::int, extract(month from business_date)::int, 1) as month_start,
    currency,
    product_id,
    product_name,
    product_type,
    category_id,
    category_path,
    top_category,
    region_id,
    region_name,
    facility_id,
    facility_name,
    sum(line_count)::bigint as line_count,
    sum(quantity)::bigint as quantity,
    sum(gross_amount) as gross_amount,
    sum(refund_amount) as refund_amount,
    sum(net_revenue) as net_revenue
from ({revenue_daily}) as daily
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
