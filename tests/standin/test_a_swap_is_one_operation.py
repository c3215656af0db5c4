import itertools
import threading

import pyarrow as pa
import pytest
from snowflake.connector.errors import ProgrammingError
from standing_in import iceberg_table

SWAP = "alter schema lake.live swap with lake.idle_e1"
READ = "select (select max(n) from lake.live.a), (select max(n) from lake.live.b), (select max(n) from lake.live.state)"


@pytest.fixture
def two(admin, lake):
    """LIVE with publication 1 and IDLE_E1 with publication 2, each of two Iceberg tables and a native one."""
    for number, schema in enumerate(("live", "idle_e1"), start=1):
        rows = pa.table({"n": pa.array([number], pa.int64())})
        for name in ("a", "b"):
            admin(iceberg_table(f"lake.{schema}.{name}", lake.write(name, rows)))
        admin(f"create or replace table lake.{schema}.state (n number(19,0))")
        admin(f"insert into lake.{schema}.state values ({number})")
    return admin


def test_all_tables_change_places(two):
    assert two(READ) == [(1, 1, 1)]
    two(SWAP)
    assert two(READ) == [(2, 2, 2)]
    assert two("select n from lake.idle_e1.a") == [(1,)]


def test_a_second_swap_is_the_way_back(two):
    two(SWAP)
    two(SWAP)
    assert two(READ) == [(1, 1, 1)]


def test_views_read_what_has_the_name_now(two):
    two("create view lake.reporting.newest as select max(n) as n from lake.live.a")
    two(SWAP)
    assert two("select n from lake.reporting.newest") == [(2,)]


def test_views_inside_the_schemas_go_along(two):
    two("create view lake.idle_e1.inner_view as select n from lake.idle_e1.a")
    two(SWAP)
    assert [row[1] for row in two("show views in schema lake.live")] == ["INNER_VIEW"]
    assert two("show views in schema lake.idle_e1") == []


def test_grants_go_along_with_what_they_were_given_on(two):
    two("create role reader")
    two("grant usage on schema lake.live to role reader")
    two("grant select on table lake.live.a to role reader")
    two(SWAP)
    assert [row[1:4] for row in two("show grants to role reader")] == [
        ("SELECT", "ICEBERG_TABLE", "LAKE.IDLE_E1.A"),
        ("USAGE", "SCHEMA", "LAKE.IDLE_E1"),
    ]


def test_a_swap_with_a_schema_that_is_gone_fails_and_changes_nothing(two):
    two("alter schema lake.idle_e1 rename to lake.idle_e2")
    with pytest.raises(ProgrammingError, match=r"Schema 'LAKE\.IDLE_E1' does not exist") as failed:
        two(SWAP)
    assert failed.value.errno == 2003
    assert two(READ) == [(1, 1, 1)]


def test_a_rename_to_a_name_that_is_taken_fails(two):
    with pytest.raises(ProgrammingError, match="already exists"):
        two("alter schema lake.idle_e1 rename to lake.live")


def test_no_statement_sees_half_a_swap(two, standin):
    seen: list[tuple] = []
    running = threading.Event()
    stopping = threading.Event()

    def swap_on() -> None:
        with standin.connect(user="swapper") as connection, connection.cursor() as cursor:
            for _ in itertools.takewhile(lambda _: not stopping.is_set(), itertools.count()):
                cursor.execute(SWAP)
                running.set()

    swapper = threading.Thread(target=swap_on)
    swapper.start()
    assert running.wait(20)
    try:
        with standin.connect() as connection, connection.cursor() as cursor:
            seen += [cursor.execute(READ).fetchone() for _ in range(25)]
    finally:
        stopping.set()
        swapper.join(20)
    assert set(seen) == {(1, 1, 1), (2, 2, 2)}


def test_separate_statements_do_see_both_sides(two):
    first = two("select n from lake.live.a")
    two(SWAP)
    assert (first, two("select n from lake.live.b")) == ([(1,)], [(2,)])
