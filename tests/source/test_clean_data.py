"""A clean source obeys the rules that its readers audit, on every day of its history."""

from decimal import Decimal

import pytest
from shop_reading import contents, day_of, local_date

DAYS = 200


@pytest.fixture(scope="module")
def shop(new_database):
    """A shop with 200 days of history, read by SQL: returns a function that runs a query."""
    import psycopg

    from calve.standin.source import create_schema, fill

    with psycopg.connect(new_database(), autocommit=True) as conn:
        create_schema(conn)
        fill(conn, until=day_of(DAYS), scale=0.3)
        yield lambda query: conn.execute(query).fetchall()


@pytest.mark.parametrize(
    ("child", "column", "parent", "key"),
    [
        ("region", "parent_region_id", "region", "region_id"),
        ("facility", "region_id", "region", "region_id"),
        ("category", "parent_category_id", "category", "category_id"),
        ("product", "category_id", "category", "category_id"),
        ("account", "facility_id", "facility", "facility_id"),
        ("sales_order", "account_id", "account", "account_id"),
        ("sales_order", "facility_id", "facility", "facility_id"),
        ("sales_order_line", "order_id", "sales_order", "order_id"),
        ("sales_order_line", "product_id", "product", "product_id"),
        ("payment", "order_id", "sales_order", "order_id"),
        ("control_total", "facility_id", "facility", "facility_id"),
    ],
)
def test_nothing_refers_to_nothing(shop, child, column, parent, key):
    orphans = shop(
        f"select 1 from {child} as c left join {parent} as p on c.{column} = p.{key}"
        f" where c.{column} is not null and p.{key} is null"
    )
    assert orphans == []


def test_amounts_are_never_negative(shop):
    assert (
        shop("select 1 from sales_order_line where least(unit_price, discount, tax, net_amount) < 0 or qty < 1") == []
    )
    assert shop("select 1 from payment where amount <= 0") == []


def test_net_is_what_the_pieces_cost_less_the_discount(shop):
    assert shop("select 1 from sales_order_line where net_amount <> qty * unit_price - discount") == []


def test_nothing_happens_after_the_day(shop):
    for table, columns in {
        "sales_order": "ordered_at, updated_at",
        "sales_order_line": "ordered_at, updated_at",
        "payment": "settled_at, created_at",
        "account": "created_at, updated_at, erased_at",
        "facility": "updated_at",
        "product": "updated_at",
        "control_total": "sealed_at, max_updated_at",
    }.items():
        assert shop(f"select max(greatest({columns})) < '{day_of(DAYS)} 00:00+00' from {table}") == [(True,)], table


def test_facilities_sell_only_while_they_are_open(shop):
    assert shop("select count(*) from facility where status = 'CLOSED'") == [(1,)]
    assert (
        shop(
            "select 1 from sales_order as o join facility as f using (facility_id) where f.is_deleted"
            f" or {local_date('o.ordered_at')} < f.opened_on or {local_date('o.ordered_at')} >= f.closed_on"
        )
        == []
    )


def test_products_are_sold_only_while_they_are_offered(shop):
    assert (
        shop(
            "select 1 from sales_order_line as l join sales_order as o using (order_id)"
            " join facility as f using (facility_id) join product as p using (product_id)"
            f" where {local_date('l.ordered_at')} < p.active_from or {local_date('l.ordered_at')} > p.active_to"
        )
        == []
    )


def test_an_order_is_paid_in_its_facilitys_currency(shop):
    found = shop(
        "select distinct left(r.code, 2), o.currency from sales_order as o join facility as f using (facility_id)"
        " join region as r using (region_id) order by 1"
    )
    assert found == [("EU", "EUR"), ("US", "USD")]


def test_an_orders_total_is_what_its_lines_cost_when_it_was_placed(shop):
    """Lines that were deleted for good are the only ones that the total still counts."""
    differing = shop(
        "select o.order_id, max(l.line_no) > count(l), count(l) = 0 from sales_order as o"
        " left join sales_order_line as l using (order_id) group by o.order_id, o.total_amount"
        " having o.total_amount <> coalesce(sum(l.net_amount + l.tax), 0)"
    )
    ((orders,),) = shop("select count(*) from sales_order")
    assert 0 < len(differing) < orders * 0.006


def test_a_lines_instant_is_its_orders(shop):
    both = "from sales_order_line as l join sales_order as o using (order_id)"
    assert shop(f"select 1 {both} where l.ordered_at <> o.ordered_at") == []


def test_orders_change_for_90_days_at_most(shop):
    ((longest, changed),) = shop(
        "select max(updated_at - ordered_at) < interval '90 days', count(*) filter (where updated_at > ordered_at) > 0"
        " from sales_order"
    )
    assert (longest, changed) == (True, True)
    assert shop("select count(distinct status) from sales_order") == [(5,)]


def test_deletes_come_soon(shop):
    found = shop(
        "select max(updated_at - ordered_at) < interval '30 days',"
        " avg((updated_at - ordered_at < interval '10 days')::int) > 0.85 from sales_order_line where is_deleted"
    )
    assert found == [(True, True)]


def test_payments_become_known_within_five_days(shop):
    found = shop(
        "select bool_and(created_at between settled_at and settled_at + interval '5 days'),"
        " bool_or(created_at > settled_at + interval '4 days') from payment"
    )
    assert found == [(True, True)]


def test_what_was_paid_back_agrees_with_the_orders_status(shop):
    wrong = shop(
        "select 1 from payment as p join sales_order as o using (order_id) where p.type <> 'CHARGE' and not"
        " ((p.type = 'CHARGEBACK') = (o.status = 'CHARGEBACK') and p.amount <= o.total_amount"
        " and (o.status = 'PARTIAL') = (p.amount < o.total_amount))"
    )
    assert wrong == []


def test_no_order_is_placed_by_an_erased_account(shop):
    assert shop("select count(*) > 0 from account where erased_at is not null") == [(True,)]
    assert (
        shop(
            "select 1 from sales_order as o join account as a using (account_id)"
            " where o.ordered_at >= a.erased_at or o.ordered_at < a.created_at or o.facility_id <> a.facility_id"
        )
        == []
    )


def test_erasure_takes_the_whole_identity_and_is_the_last_change(shop):
    assert (
        shop(
            "select 1 from account where erased_at is not null"
            " and (num_nonnulls(full_name, birth_date, email, phone) > 0 or updated_at <> erased_at)"
        )
        == []
    )


@pytest.mark.parametrize(
    ("table", "date", "amount", "live"),
    [
        ("sales_order_line", "ordered_at", "net_amount", "not r.is_deleted"),
        ("payment", "settled_at", "amount", "true"),
    ],
)
def test_the_newest_control_totals_agree_with_the_tables(shop, table, date, amount, live):
    key = "r.order_id * 100 + r.line_no" if table == "sales_order_line" else "r.payment_id"
    wrong = shop(
        f"with found as (select f.facility_id, {local_date(f'r.{date}')} as business_date, count(*) as row_count,"
        f" sum(r.{amount}) as sum_amount, lpad(to_hex(sum({key})::bigint), 16, '0') as checksum from {table} as r"
        " join sales_order as o using (order_id) join facility as f on f.facility_id = o.facility_id"
        f" where {live} group by 1, 2),"
        " sealed as (select distinct on (business_date, facility_id) business_date, facility_id, row_count,"
        f" sum_amount, checksum from control_total where table_name = '{table}'"
        " order by business_date, facility_id, version desc)"
        " select * from sealed full join found using (business_date, facility_id)"
        f" where business_date < '{day_of(DAYS - 1)}'"
        " and (coalesce(sealed.row_count, -1) <> coalesce(found.row_count, 0)"
        " or sealed.sum_amount <> coalesce(found.sum_amount, 0)"
        " or (sealed.row_count > 0 and sealed.checksum <> found.checksum))"
    )
    assert wrong == []


def test_a_date_is_sealed_when_it_is_over_everywhere_and_closed_three_days_later(shop):
    found = shop(
        "select is_closed, min((sealed_at at time zone 'UTC')::date - business_date), max(business_date)"
        " from control_total group by is_closed order by is_closed"
    )
    assert found == [(False, 1, day_of(DAYS - 2)), (True, 3, day_of(DAYS - 4))]


def test_versions_are_numbered_without_gaps_and_some_are_restated(shop):
    found = shop(
        "select bool_and(newest = versions), max(newest) > 2 from (select max(version) as newest, count(*) as versions"
        " from control_total group by business_date, facility_id, table_name) as numbered"
    )
    assert found == [(True, True)]


def test_a_price_is_the_list_price_give_or_take_five_percent(shop):
    found = shop(
        "select max(abs(unit_price / list_price - 1)) from sales_order_line join product using (product_id)"
        " where list_price > 1"
    )
    assert found[0][0] < Decimal("0.06")


def test_currencies_facilities_and_products_are_as_many_as_promised(shop):
    assert shop("select count(*) from facility where not is_deleted") == [(24,)]
    assert shop("select count(distinct facility_id) from sales_order") == [(24,)]
    ((products,),) = shop("select count(*) from product")
    assert 135 <= products <= 150


def test_the_demos_second_day_renames_a_facility(filled):
    read = {until: contents(filled(until, scale=0.01))["facility"] for until in (400, 401)}
    changed = set(read[401].split(b"\n")) - set(read[400].split(b"\n"))
    assert [row.split(b"\t")[2] for row in changed] == [b"Prairie View Hospital Campus"]
