-- Revenue per day with the names of things. Grain: business_date, facility_id, product_id, currency.
select
    a.*,
    p.product_type,
    p.category_id,
    f.region_id,
    r.name as region_name,
    f.name as facility_name,
    coalesce(p.name, '(no product)') as product_name,
    coalesce(c.path, '(no product)') as category_path,
    coalesce(c.top_category, '(no product)') as top_category
from ({agg_facility_product_day}) as a
left join public.product as p on p.product_id = a.product_id
left join ({dim_category}) as c on c.category_id = p.category_id
join public.facility as f on f.facility_id = a.facility_id
join public.region as r on r.region_id = f.region_id
