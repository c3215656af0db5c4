"""What Spark takes as an expression over one row is no mistake, however it is written."""

import pytest

SALE = "iceberg/contracts/fct_sale.yaml"
DAY = "iceberg/contracts/agg_sale_day.yaml"


@pytest.mark.parametrize(
    "sql",
    [
        "sold_at >= :since and sold_at < :until",
        "SALE_ID > 0 and `amount` <> 0",
        "client_key is null or client_key rlike '^k[0-9]+:[0-9a-f]{64}$'",
        "client_key like any ('k1:%', 'k2:%')",
        'client_key <=> "k1"',
        "size(split(client_key, ':')) = 2",
        "exists(split(client_key, ''), x -> x = ':')",
        "aggregate(split(client_key, ':'), 0, (acc, x) -> acc + length(x)) > 0",
        "sale_date = cast(sold_at as date)",
        "sale_date between date '2020-01-01' and current_date() + interval 1 day",
        "timestampdiff(HOUR, sold_at, now()) >= 0",
        "extract(year from sold_at) > 2000",
        "date_trunc('day', sold_at) = sold_at",
        "case when amount > 0 then true else amount is not null end",
        "if(amount > 0, true, false)",
        "coalesce(amount, 0) div 2 >= 0",
        "not (amount < 0.5D or amount == 1L)",
        "client_key not in ('a;b', 'it''s -- no comment', '/* nor this */')",
        "named_struct('k', amount).k is distinct from null",
        "get_json_object(client_key, '$.a[0]') is null",
        "true",
    ],
)
def test_a_predicate_that_spark_takes_is_no_mistake(shop, sql):
    shop.change(SALE, '"sold_at < :until"', f"'{sql.replace(chr(39), chr(39) * 2)}'")

    assert shop.mistakes() == []


@pytest.mark.parametrize(
    ("equals", "where"),
    [("amount", "sold_at is not null"), ("round(amount * 2, 2)", "client_key in ('a', 'b')"), ("1", "true")],
)
def test_a_sum_is_of_expressions_over_the_siblings_rows(shop, equals, where):
    shop.change(DAY, "equals: amount", f'equals: "{equals}", where: "{where}"')

    assert shop.mistakes() == []


def test_a_sibling_that_can_not_be_read_is_not_asked_for_its_columns(shop):
    shop.change(DAY, "equals: amount", "equals: whatever")
    shop.write(SALE, "dataset: [")

    assert [line.split(": ")[0] for line in shop.mistakes()] == [f"{SALE}:1"]
