-- Every product. Grain: product_id.
select
    product_id,
    sku,
    name,
    category_id,
    product_type,
    list_price::numeric(12, 2) as list_price,
    currency,
    active_from,
    active_to
from public.product
