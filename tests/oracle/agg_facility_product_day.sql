-- Sales on the order's date, refunds on the settlement's, shared out over the order's sold lines.
-- Grain: business_date, facility_id, product_id, currency.
with sold as (
    select * from ({fct_order_line}) as line where is_sold
),
given_back as (
    select * from ({fct_payment}) as paid where payment_type <> 'CHARGE'
),
weights as (
    select
        s.order_id,
        s.line_no,
        s.product_id,
        sum(b.gross_amount) filter (where b.line_no <= s.line_no) as up_to,
        sum(b.gross_amount) as everything
    from sold as s
    join sold as b on b.order_id = s.order_id
    where s.gross_amount > 0
    group by s.order_id, s.line_no, s.product_id
),
gave_so_far as (
    select
        g.payment_id,
        w.line_no,
        w.product_id,
        round(g.amount * w.up_to / w.everything, 2) as given
    from given_back as g
    join weights as w on w.order_id = g.order_id
),
shares as (
    select
        payment_id,
        product_id,
        given - coalesce(lag(given) over (partition by payment_id order by line_no), 0) as share
    from gave_so_far
),
entries as (
    select
        business_date,
        facility_id,
        product_id,
        currency,
        1 as line_count,
        qty as quantity,
        gross_amount,
        0.00 as refund_amount
    from sold
    union all
    select
        g.business_date,
        g.facility_id,
        coalesce(s.product_id, 0),
        g.currency,
        0,
        0,
        0.00,
        coalesce(s.share, g.amount)
    from given_back as g
    left join shares as s on s.payment_id = g.payment_id
)
select
    business_date,
    facility_id,
    product_id,
    currency,
    sum(line_count)::bigint as line_count,
    sum(quantity)::bigint as quantity,
    sum(gross_amount)::numeric(18, 2) as gross_amount,
    sum(refund_amount)::numeric(18, 2) as refund_amount,
    (sum(gross_amount) - sum(refund_amount))::numeric(18, 2) as net_revenue
from entries
group by business_date, facility_id, product_id, currency
