-- Categories with their way from the top. Grain: category_id.
with recursive tree as (
    select
        category_id,
        name,
        level,
        parent_category_id,
        category_id as top_category_id,
        name as top_category,
        name as path,
        category_id::text as path_ids
    from public.category
    where parent_category_id is null
    union all
    select
        c.category_id,
        c.name,
        c.level,
        c.parent_category_id,
        t.top_category_id,
        t.top_category,
        t.path || ' > ' || c.name,
        t.path_ids || '/' || c.category_id
    from public.category as c
    join tree as t on t.category_id = c.parent_category_id
)
select * from tree
