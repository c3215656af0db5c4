-- Payments that became known in [since, until). Grain: payment_id.
select
    p.payment_id,
    p.order_id,
    p.type as payment_type,
    p.settled_at,
    (p.settled_at at time zone f.timezone)::date as business_date,
    o.facility_id,
    o.account_id as account_key,
    o.ordered_at,
    o.currency,
    p.amount::numeric(12, 2) as amount
from public.payment as p
join public.sales_order as o on o.order_id = p.order_id
join public.facility as f on f.facility_id = o.facility_id
where
    p.created_at >= %(since)s
    and p.created_at < %(until)s
