-- Every facility, closed and deleted ones too. Grain: facility_id.
select
    facility_id,
    code,
    name,
    facility_type,
    region_id,
    timezone,
    capacity,
    status,
    opened_on,
    closed_on,
    is_deleted
from public.facility
