-- Live lines of orders accepted in [since, until). Grain: order_id, line_no.
select
    l.order_id,
    l.line_no,
    o.ordered_at,
    (o.ordered_at at time zone f.timezone)::date as business_date,
    o.facility_id,
    l.product_id,
    o.account_id as account_key,
    o.currency,
    l.qty,
    l.unit_price::numeric(12, 2) as unit_price,
    l.discount::numeric(12, 2) as discount,
    l.tax::numeric(12, 2) as tax,
    l.net_amount::numeric(12, 2) as net_amount,
    (l.net_amount + l.tax)::numeric(12, 2) as gross_amount,
    o.status <> 'PENDING' as is_sold,
    l.unit_price / 10 <= p.list_price as is_price_plausible,
    (o.ordered_at at time zone f.timezone)::date between f.opened_on and coalesce(f.closed_on - 1, 'infinity')
        as was_facility_open
from public.sales_order_line as l
join public.sales_order as o on o.order_id = l.order_id
join public.facility as f on f.facility_id = o.facility_id
join public.product as p on p.product_id = l.product_id
where
    not l.is_deleted
    and o.ordered_at >= %(since)s
    and o.ordered_at < %(until)s
