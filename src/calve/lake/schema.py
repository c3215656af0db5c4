"""The tables of the records, as numbered steps that are applied once each, in order.

A step that was ever released is never edited; a change is a new step at the end.
"""

from typing import LiteralString

CATALOG_TABLES: tuple[LiteralString, ...] = (
    """
    create table if not exists public.iceberg_tables (
        catalog_name varchar(255) not null,
        table_namespace varchar(255) not null,
        table_name varchar(255) not null,
        metadata_location varchar(1000),
        previous_metadata_location varchar(1000),
        iceberg_type varchar(5),
        primary key (catalog_name, table_namespace, table_name)
    )""",
    "alter table public.iceberg_tables add column if not exists iceberg_type varchar(5)",
    """
    create table if not exists public.iceberg_namespace_properties (
        catalog_name varchar(255) not null,
        namespace varchar(255) not null,
        property_key varchar(255) not null,
        property_value varchar(1000),
        primary key (catalog_name, namespace, property_key)
    )""",
)

_FIRST: LiteralString = """
create table calve.lease (
    pipeline text primary key,
    epoch bigint not null,
    run_key text not null,
    host text not null,
    pid integer not null,
    process text not null,
    since_at timestamptz not null,
    until_at timestamptz not null,
    released_at timestamptz
);
create table calve.attempt (
    run_key text not null,
    attempt integer not null,
    pipeline text not null,
    since timestamptz not null,
    until timestamptz not null,
    scope text not null,
    generation integer not null,
    mode text not null check (mode in ('changes', 'reload', 'reprocess')),
    branch text not null,
    epoch bigint not null,
    digest text not null,
    holder text not null,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    outcome text,
    detail text,
    primary key (run_key, attempt)
);
create index attempt_by_interval on calve.attempt (pipeline, since, until, scope);
create sequence calve.landing_sequence;
create table calve.landing (
    run_key text not null,
    source text not null,
    landing_id text not null unique,
    snapshot_id bigint,
    cut_at timestamptz not null,
    lower timestamptz,
    upper timestamptz,
    next_lower timestamptz,
    rows bigint not null,
    totals jsonb not null,
    seq bigint not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (run_key, source)
);
create index landing_by_source on calve.landing (source);
create table calve.verdict (
    run_key text not null,
    dataset text not null,
    attempt integer not null,
    word text not null check (word in ('passed', 'blocked')),
    table_uuid text not null,
    base_snapshot_id bigint,
    staged_snapshot_id bigint,
    quarantine_uuid text,
    quarantine_base_id bigint,
    quarantine_snapshot_id bigint,
    row_count bigint not null,
    results jsonb not null,
    fates jsonb not null,
    touched jsonb not null,
    inputs jsonb not null,
    decided_at timestamptz not null,
    voided_at timestamptz,
    void_reason text
);
create unique index verdict_once on calve.verdict (run_key, dataset) where voided_at is null;
create table calve.metric (
    run_key text not null,
    dataset text not null,
    rule text not null,
    day date not null,
    part text not null,
    value double precision not null,
    count bigint not null,
    primary key (run_key, dataset, rule, day, part)
);
create index metric_by_rule on calve.metric (dataset, rule, day);
create table calve.control_difference (
    run_key text not null,
    dataset text not null,
    day date not null,
    part text not null,
    expected_rows bigint,
    found_rows bigint,
    expected_sum numeric,
    found_sum numeric,
    is_closed boolean not null,
    agrees boolean not null,
    primary key (run_key, dataset, day, part)
);
create table calve.publication (
    number bigint primary key,
    run_key text not null unique,
    pipeline text not null,
    since timestamptz not null,
    until timestamptz not null,
    scope text not null,
    generation integer not null,
    kind text not null check (kind in ('run', 'rollback')),
    parent bigint references calve.publication (number),
    epoch bigint not null,
    digest text not null,
    tables jsonb not null,
    published_at timestamptz not null
);
create index publication_by_pipeline on calve.publication (pipeline, number);
create table calve.ledger (
    dataset text not null,
    pipeline text not null,
    since timestamptz not null,
    until timestamptz not null,
    publication bigint not null references calve.publication (number),
    primary key (dataset, since)
);
create table calve.exposure (
    epoch bigint primary key,
    numbers bigint[] not null,
    state text not null check (state in ('filling', 'live', 'idle', 'gone')),
    begun_at timestamptz not null default clock_timestamp(),
    live_at timestamptz
);

-- Publications whose rows are in what their pipeline publishes now. The parent of a run is what it was built
-- on, the parent of a rollback is what it restores: what a rollback withdrew is not reached any more.
create view calve.live_publication as
with recursive line as (
    select newest.pipeline, newest.number, newest.kind, newest.parent, newest.run_key
    from calve.publication as newest
    where newest.number = (select max(p.number) from calve.publication as p where p.pipeline = newest.pipeline)
    union all
    select older.pipeline, older.number, older.kind, older.parent, older.run_key
    from line
    inner join calve.publication as older on older.number = line.parent
)
select pipeline, number, kind, parent, run_key from line
"""

# An alert is open until it recovered, and closed when its recovery is on its way: then the same key may open anew.
_ALERTS: LiteralString = """
create table calve.alert (
    number bigint generated always as identity primary key,
    key text not null,
    opening integer not null,
    kind text not null check (kind in ('blocked', 'anomaly', 'overdue', 'failed')),
    severity text check (severity in ('critical', 'error', 'warning', 'info')),
    pipeline text not null,
    since timestamptz not null,
    until timestamptz not null,
    scope text not null,
    part text not null,
    run_key text,
    owners text[] not null,
    title text not null,
    cause text not null,
    commands text[] not null,
    links jsonb not null,
    times integer not null default 1,
    after_publication bigint not null,
    raised_at timestamptz not null default clock_timestamp(),
    last_raised_at timestamptz not null default clock_timestamp(),
    routed_at timestamptz,
    recovered_at timestamptz,
    recovery text,
    closed_at timestamptz
);
create unique index alert_once on calve.alert (key) where closed_at is null;
create index alert_by_key on calve.alert (key);
create table calve.alert_delivery (
    alert bigint not null references calve.alert (number),
    route text not null,
    event text not null check (event in ('opened', 'recovered')),
    state text not null default 'pending' check (state in ('pending', 'sent', 'superseded')),
    attempts integer not null default 0,
    due_at timestamptz not null,
    claimed_until timestamptz,
    sent_at timestamptz,
    last_error text,
    primary key (alert, route, event)
);
create index alert_delivery_pending on calve.alert_delivery (due_at) where state = 'pending'
"""

# Null is all of the pipeline, as every attempt is of an image that doesn't know the column.
_DATASETS: LiteralString = "alter table calve.attempt add column datasets text[]"

MIGRATIONS: tuple[LiteralString, ...] = (_FIRST, _ALERTS, _DATASETS)
