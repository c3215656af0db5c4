-- Regions with the name of the one above. Grain: region_id.
select
    r.region_id,
    r.code,
    r.name,
    r.parent_region_id,
    (select a.name from public.region as a where a.region_id = r.parent_region_id) as parent_name
from public.region as r
