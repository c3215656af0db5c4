"""Every restricted value is recognisable, unique, and found by what the scanner is given."""

import hashlib

import pytest
from shop_reading import contents

from calve.standin.source import canaries


@pytest.fixture(scope="module")
def shop(new_database):
    """A small shop with 90 days of history."""
    import psycopg
    from shop_reading import day_of

    from calve.standin.source import create_schema, fill

    with psycopg.connect(new_database(), autocommit=True) as conn:
        create_schema(conn)
        fill(conn, until=day_of(90), scale=0.1)
        yield conn


@pytest.mark.parametrize(
    ("table", "column"),
    [("account", "full_name"), ("account", "email"), ("account", "phone"), ("payment", "processor_ref")],
)
def test_restricted_texts_carry_the_token_and_differ(shop, table, column):
    found = shop.execute(
        f"select bool_and({column} like '%CANARY%'), count(*) = count(distinct {column}), count(*) > 500"
        f" from {table} where {column} is not null"
    ).fetchall()
    assert found == [(True, True, True)]


def test_nothing_else_carries_the_token(shop):
    for table in ("region", "facility", "category", "product", "sales_order", "sales_order_line", "control_total"):
        assert b"CANARY" not in contents(shop)[table]


def test_births_and_account_ids_lie_in_ranges_of_their_own(shop):
    births = "select min(birth_date) >= '1901-01-01', max(birth_date) <= '1919-12-31' from account"
    ids = "select min(account_id) >= 7000000000, max(account_id) < 7001000000 from account"
    assert shop.execute(births).fetchall() + shop.execute(ids).fetchall() == [(True, True), (True, True)]


def test_the_sample_is_found_in_the_source(shop):
    everything = b"".join(contents(shop).values())
    values = [value for value in canaries(shop, limit=50) if len(value) not in {32, 40, 64}]
    assert len(values) >= 50 * 5
    assert [value for value in values if value not in everything] == []


def test_the_sample_holds_the_unkeyed_hashes(shop):
    sample = list(canaries(shop, limit=5))
    email = next(value for value in sample if value.endswith(b"@example.invalid"))
    hashes = {digest(email).hexdigest().encode() for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256)}
    assert hashes <= set(sample)


def test_the_sample_repeats(shop):
    assert list(canaries(shop)) == list(canaries(shop))
