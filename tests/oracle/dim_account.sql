-- Accounts without identity. Grain: account_key, which is the plain account here; the caller's `key` hashes it.
select
    account_id as account_key,
    account_type,
    facility_id,
    (created_at at time zone 'UTC')::date as created_on,
    erased_at is not null as is_erased,
    erased_at,
    updated_at as changed_at
from public.account
