-- The calendar. Grain: calendar_date.
select
    d::date as calendar_date,
    extract(year from d)::int as calendar_year,
    extract(quarter from d)::int as quarter_of_year,
    extract(month from d)::int as month_of_year,
    date_trunc('month', d)::date as month_start,
    extract(isoyear from d)::int as iso_year,
    extract(week from d)::int as iso_week,
    date_trunc('week', d)::date as week_start,
    extract(isodow from d)::int as iso_weekday,
    extract(isodow from d) in (6, 7) as is_weekend
from generate_series(timestamp '2024-01-01', timestamp '2030-12-31', interval '1 day') as d
