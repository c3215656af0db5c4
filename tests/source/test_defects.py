"""Every defect goes wrong in the way its name says, and a repair leaves nothing of it but when it was made."""

from datetime import timedelta

import pytest
from shop_reading import contents, day_of, local_date

from calve.standin.source import DEFECTS, GeneratorError, fill, plant, repair

DAY = 140
SCALE = 0.4
CLOCK = "updated_at"
DESIGNED = {
    "null_facility_few",
    "null_facility_many",
    "negative_price",
    "currency_x100",
    "orphan_product",
    "orphan_product_many",
    "future_event",
    "closed_facility_sale",
    "facility_day_missing",
    "volume_drop",
    "price_shift",
    "late_refund",
    "new_nullable_column",
    "int_to_string",
    "renamed_column",
    "stale_feed",
    "control_total_row",
    "control_total_cent",
    "erased_account_reappears",
}
"""Design section 7, for the tables that the generator fills."""


@pytest.fixture(scope="module")
def world(new_database):
    """One filled shop, its bytes, and the same shop at the end of the day before."""
    import psycopg

    from calve.standin.source import create_schema

    conn, before = psycopg.connect(new_database(), autocommit=True), psycopg.connect(new_database(), autocommit=True)
    with conn, before:
        for shop, until in ((conn, DAY + 1), (before, DAY)):
            create_schema(shop)
            fill(shop, until=day_of(until), scale=SCALE)
        yield conn, contents(conn, but=CLOCK), contents(before, but=CLOCK)


@pytest.fixture
def planted(world):
    """Return a function that plants defects on the newest day; they are repaired afterwards."""
    conn, _, _ = world

    def go_wrong(*defects):
        for defect in defects:
            plant(conn, defect, day=day_of(DAY))
        return lambda query: conn.execute(query).fetchall()

    yield go_wrong
    repair(conn)


def test_no_defect_of_the_design_is_missing():
    assert set(DEFECTS) == DESIGNED


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_repair_leaves_the_rows_of_a_clean_fill(world, defect):
    conn, clean, _ = world
    plant(conn, defect, day=day_of(DAY))
    wrong = contents(conn, but=CLOCK)
    repair(conn)
    assert wrong != clean
    assert contents(conn, but=CLOCK) == clean


def test_a_repair_undoes_several_defects_at_once(world):
    conn, clean, _ = world
    defects = (
        "late_refund",
        "null_facility_many",
        "negative_price",
        "volume_drop",
        "control_total_row",
        "int_to_string",
    )
    for defect in defects:
        plant(conn, defect, day=day_of(DAY))
    assert repair(conn).repaired == tuple(sorted(defects))
    assert contents(conn, but=CLOCK) == clean
    assert repair(conn).repaired == ()


def test_planting_twice_from_the_same_state_gives_the_same_bytes(world):
    conn, _, _ = world
    seen = []
    for _ in range(2):
        plant(conn, "orphan_product_many", day=day_of(DAY))
        seen.append(contents(conn, but=CLOCK))
        repair(conn)
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("defect", "low", "high"), [("null_facility_few", 1, 2), ("null_facility_many", 12, 12)])
def test_orders_lose_their_facility(planted, defect, low, high):
    ((count,),) = planted(defect)("select count(*) from sales_order where facility_id is null")
    assert low <= count <= high


def test_a_handful_of_prices_is_negative(planted):
    rows = planted("negative_price")(
        "select net_amount, qty * unit_price - discount from sales_order_line where unit_price < 0"
    )
    assert len(rows) == 3
    assert all(net < 0 and net == computed for net, computed in rows)


def test_a_handful_of_amounts_is_a_hundredfold(planted):
    rows = planted("currency_x100")(
        "select unit_price / list_price, net_amount - (qty * unit_price - discount)"
        " from sales_order_line join product using (product_id) where unit_price > 10 * list_price"
    )
    assert len(rows) == 3
    assert all(95 < times < 105 and off == 0 for times, off in rows)


@pytest.mark.parametrize(("defect", "lines"), [("orphan_product", 3), ("orphan_product_many", 12)])
def test_lines_refer_to_no_product(planted, defect, lines):
    found = planted(defect)(
        "select 1 from sales_order_line as l left join product as p using (product_id) where p is null"
    )
    assert len(found) == lines


def test_two_orders_happen_in_the_future(planted):
    read = planted("future_event")
    until = day_of(DAY + 1)
    assert (
        len(
            read(
                f"select 1 from sales_order where ordered_at >= '{until} 00:00+00' and updated_at <= '{until} 00:00+00'"
            )
        )
        == 2
    )
    assert len(read(f"select 1 from sales_order_line where ordered_at >= '{until} 00:00+00'")) == 2


def test_two_orders_are_sold_at_a_closed_facility(planted):
    rows = planted("closed_facility_sale")(
        f"select o.currency, r.code from sales_order as o join facility as f using (facility_id)"
        f" join region as r using (region_id) where {local_date('o.ordered_at')} >= f.closed_on"
    )
    assert [(currency, code[:2]) for currency, code in rows] == [("USD", "US"), ("USD", "US")]


def test_the_biggest_facility_is_missing_but_sealed(planted, world):
    _, clean, _ = world
    read = planted("facility_day_missing")
    on_the_day = f"from sales_order where facility_id = 1 and (ordered_at at time zone 'UTC')::date = '{day_of(DAY)}'"
    assert read(f"select count(*) {on_the_day}") == [(0,)]
    assert read(
        "select count(*) from sales_order_line as l left join sales_order as o using (order_id) where o is null"
    ) == [(0,)]
    assert read("select count(*) from payment as p left join sales_order as o using (order_id) where o is null") == [
        (0,)
    ]
    assert contents(world[0], but=CLOCK)["control_total"] == clean["control_total"]


def test_volume_drops_by_two_fifths(planted, world):
    conn = world[0]
    count = f"select count(*) from sales_order where (ordered_at at time zone 'UTC')::date = '{day_of(DAY)}'"
    ((before,),) = conn.execute(count).fetchall()
    ((after,),) = planted("volume_drop")(count)
    assert 0.57 < after / before < 0.63


def test_one_product_costs_three_times_as_much(planted):
    rows = planted("price_shift")(
        "select product_id, count(*) from sales_order_line join product using (product_id)"
        " where unit_price > 2.5 * list_price and net_amount = qty * unit_price - discount group by product_id"
    )
    assert len(rows) == 1
    assert rows[0][1] >= 5


def test_a_refund_comes_after_120_days(planted):
    rows = planted("late_refund")(
        "select o.status, (p.settled_at at time zone 'UTC')::date - (o.ordered_at at time zone 'UTC')::date,"
        " p.amount = o.total_amount from payment as p join sales_order as o using (order_id)"
        " where p.settled_at > o.ordered_at + interval '100 days'"
    )
    assert rows == [("REFUNDED", 120, True)]


def test_a_new_column_appears_and_may_be_null(planted):
    assert planted("new_nullable_column")("select distinct gift_note from sales_order_line") == [(None,)]


@pytest.mark.parametrize(
    ("defect", "column", "type_name"), [("int_to_string", "qty", "text"), ("renamed_column", "rebate", "numeric")]
)
def test_the_lines_change_their_shape(planted, defect, column, type_name):
    found = planted(defect)(
        "select data_type from information_schema.columns"
        f" where table_name = 'sales_order_line' and column_name = '{column}'"
    )
    assert found == [(type_name,)]


def test_a_stale_feed_is_the_day_before(planted, world):
    conn, _, before = world
    planted("stale_feed")
    now = contents(conn, but=CLOCK)
    tables = ("sales_order", "sales_order_line", "payment", "control_total")
    assert {table for table in tables if now[table] != before[table]} == set()


@pytest.mark.parametrize(
    ("defect", "rows", "amount"), [("control_total_row", 1, "0.00"), ("control_total_cent", 0, "0.01")]
)
def test_one_closed_control_total_is_off(planted, defect, rows, amount):
    assert differing_totals(planted(defect)) == [(rows, amount, True, day_of(DAY - 3))]


def test_an_erased_account_has_an_identity_again(planted):
    rows = planted("erased_account_reappears")(
        "select (updated_at at time zone 'UTC')::date, updated_at > erased_at, full_name like '%CANARY%',"
        " birth_date is not null from account where erased_at is not null and full_name is not null"
    )
    assert rows == [(day_of(DAY), True, True, True)]


def test_an_unknown_defect_is_refused_with_the_known_ones(world):
    with pytest.raises(GeneratorError, match=r"gremlins: unknown.*volume_drop"):
        plant(world[0], "gremlins", day=day_of(DAY))


def test_only_the_newest_day_takes_defects(world):
    with pytest.raises(GeneratorError, match=f"newest filled day is {day_of(DAY)}"):
        plant(world[0], "negative_price", day=day_of(DAY) - timedelta(days=1))


def test_a_defect_is_planted_once(planted):
    planted("negative_price")
    with pytest.raises(GeneratorError, match="planted already"):
        planted("negative_price")


def test_altered_tables_take_no_further_defect(planted):
    planted("renamed_column")
    with pytest.raises(GeneratorError, match="altered"):
        planted("negative_price")


def test_a_defect_without_rows_plants_nothing(planted, world):
    conn = world[0]
    planted("stale_feed")
    before = contents(conn)
    with pytest.raises(GeneratorError, match="found no"):
        planted("volume_drop")
    assert contents(conn) == before


def test_a_planted_source_moves_on_only_after_its_repair(planted, world):
    planted("negative_price")
    with pytest.raises(GeneratorError, match="calve source repair"):
        fill(world[0], until=day_of(DAY + 2), scale=SCALE)


@pytest.mark.parametrize(
    "defect",
    ["null_facility_many", "negative_price", "currency_x100", "price_shift", "future_event", "closed_facility_sale"],
)
def test_wrong_rows_lie_on_a_date_that_is_not_sealed_yet(planted, defect):
    assert differing_totals(planted(defect)) == []


def differing_totals(read):
    """Return the newest control totals of lines that the tables don't add up to."""
    return read(
        "select t.row_count - count(l), (t.sum_amount - coalesce(sum(l.net_amount), 0))::text, t.is_closed,"
        " t.business_date from (select distinct on (business_date, facility_id) * from control_total"
        "     where table_name = 'sales_order_line' order by business_date, facility_id, version desc) as t"
        " join facility as f using (facility_id) left join sales_order as o on o.facility_id = t.facility_id"
        f"     and {local_date('o.ordered_at')} = t.business_date"
        " left join sales_order_line as l on l.order_id = o.order_id and not l.is_deleted"
        " group by t.business_date, t.facility_id, t.row_count, t.sum_amount, t.is_closed"
        " having t.row_count <> count(l) or t.sum_amount <> coalesce(sum(l.net_amount), 0)"
    )
