import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def tables(admin):
    """A native table SALES in LIVE."""
    admin("create table lake.live.sales (day date, amount number(12,2))")
    admin("insert into lake.live.sales values ('2026-01-01', 1.50), ('2026-01-01', 2.25)")
    return admin


def test_the_text_is_what_was_written(tables):
    text = (
        "create or replace secure view lake.reporting.daily (day, total) copy grants comment = 'd' as\n"
        "select day, sum(amount) -- all\nfrom lake.live.sales group by day"
    )
    tables(text)
    (shown,) = tables("show views like 'DAILY' in schema lake.reporting")
    assert text in shown
    assert "true" in shown
    assert tables("select view_definition, is_secure from lake.information_schema.views") == [(text, "YES")]
    ddl = tables("select get_ddl('VIEW', 'lake.reporting.daily')")[0][0]
    assert ddl.startswith("create or replace secure view DAILY(\n\tDAY,\n\tTOTAL\n) as select day, sum(amount) -- all")


def test_unqualified_names_mean_the_views_own_schema(tables):
    tables("create view lake.live.v as select amount from sales")
    tables("use schema lake.reporting")
    assert len(tables("select * from lake.live.v")) == 2


def test_a_view_follows_a_table_that_was_replaced(tables):
    tables("create view lake.reporting.v as select count(*) as n from lake.live.sales")
    tables("create or replace table lake.live.sales (day date, amount number(12,2))")
    assert tables("select n from lake.reporting.v") == [(0,)]


def test_a_view_whose_table_is_gone_fails_when_read(tables):
    tables("create view lake.reporting.v as select amount from lake.live.sales")
    tables("drop table lake.live.sales")
    with pytest.raises(ProgrammingError, match="does not exist or not authorized"):
        tables("select * from lake.reporting.v")


def test_a_common_table_expression_hides_a_table_of_its_name(tables):
    tables("use schema lake.live")
    assert tables("with sales as (select 7 as amount) select amount from sales") == [(7,)]
    assert len(tables("with sales as (select * from sales) select amount from sales")) == 2


@pytest.mark.parametrize(
    ("sql", "errno"),
    [
        pytest.param("create view lake.reporting.w as select nope from lake.live.sales", 904, id="unknown column"),
        pytest.param("create view lake.reporting.w as select 1 from lake.live.none", 2003, id="unknown table"),
        pytest.param("create view lake.reporting.w as choose 1", 1003, id="no query"),
        pytest.param("create view lake.reporting.w (a, b) as select 1", 2026, id="too many names"),
        pytest.param("create view lake.reporting.w as select 1 as a, 2 as a", 2025, id="a name twice"),
        pytest.param("create view lake.reporting.w copy grants as select 1 as a", 1008, id="copy without replace"),
    ],
)
def test_a_wrong_view_is_not_made(tables, sql, errno):
    with pytest.raises(ProgrammingError) as failed:
        tables(sql)
    assert failed.value.errno == errno
    assert tables("show views in schema lake.reporting") == []


def test_a_view_of_itself_is_an_error_not_a_hang(tables):
    tables("create view lake.reporting.v as select 1 as one")
    tables("create view lake.reporting.w as select * from lake.reporting.v")
    tables("create or replace view lake.reporting.v as select * from lake.reporting.w")
    with pytest.raises(ProgrammingError, match="nested too deeply"):
        tables("select * from lake.reporting.w")


def test_masking_shows_a_value_to_the_roles_that_may_see_it(tables, lake, standin):
    import pyarrow as pa
    from standing_in import iceberg_table

    path = lake.write("people", pa.table({"name": ["Ada"], "id": pa.array([1], pa.int64())}))
    tables(iceberg_table("lake.live.people", path))
    tables(
        "create masking policy lake.reporting.analyst_only as (val varchar) returns varchar -> "
        "case when is_role_in_session('ANALYST') then val else '***' end"
    )
    column = "alter iceberg table lake.live.people modify column name"
    tables(f"{column} set masking policy lake.reporting.analyst_only")
    for role in ("analyst", "clerk"):
        for grant in ("database lake", "schema lake.live"):
            tables("create role if not exists " + role)
            tables(f"grant usage on {grant} to role {role}")
        tables(f"grant select on table lake.live.people to role {role}")
        tables(f"grant role {role} to user ada")
    for role, seen in (("analyst", "Ada"), ("clerk", "***")):
        with standin.connect(role=role) as connection, connection.cursor() as cursor:
            assert cursor.execute("select name, id from lake.live.people where id = 1").fetchall() == [(seen, 1)]
    assert tables("describe table lake.live.people")[0][-1] == "LAKE.REPORTING.ANALYST_ONLY"
    tables(f"{column} unset masking policy")
    assert tables("select name from lake.live.people") == [("Ada",)]
