-- What was published when, and which of it is served now. Grain: dataset, publication.
create or replace view reporting.publication as
select
    published.pipeline,
    published.dataset,
    published.publication,
    published.run_key,
    published.since,
    published.until,
    published.generation,
    published.published_at,
    published.snapshot_id,
    published.row_count,
    published.contract_digest,
    published.is_served,
    published.verified_through
from live.publication as published;
