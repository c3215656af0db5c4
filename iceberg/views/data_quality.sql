-- What every audit rule found, in published and in blocked runs. Grain: run_key, dataset, rule.
create or replace view reporting.data_quality as
select
    judged.pipeline,
    judged.dataset,
    judged.run_key,
    judged.publication,
    judged.rule,
    judged.severity,
    judged.outcome,
    judged.checked_rows,
    judged.broken_rows,
    judged.allowed_rows,
    judged.detail,
    judged.decided_at,
    served.verified_through,
    judged.publication is not null as is_published
from live.data_quality as judged
left join live.publication as served on judged.dataset = served.dataset and served.is_served;
