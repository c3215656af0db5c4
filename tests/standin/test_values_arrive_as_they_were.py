import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from standing_in import iceberg_table

MOMENT = dt.datetime(2026, 1, 31, 23, 59, 59, 123456)
ROWS = pa.table(
    {
        "a_long": pa.array([2**63 - 1, None], pa.int64()),
        "an_int": pa.array([-5, None], pa.int32()),
        "a_decimal": pa.array([Decimal("1234567890.12"), None], pa.decimal128(12, 2)),
        "a_double": pa.array([0.1, None], pa.float64()),
        "a_flag": pa.array([True, None], pa.bool_()),
        "a_date": pa.array([dt.date(2026, 2, 28), None], pa.date32()),
        "an_instant": pa.array([MOMENT.replace(tzinfo=dt.UTC), None], pa.timestamp("us", "UTC")),
        "a_local_time": pa.array([MOMENT, None], pa.timestamp("us")),
        "a_text": pa.array(["naïve 'quote' ☂", None], pa.string()),
        "some_bytes": pa.array([b"\x00\xff", None], pa.binary()),
    }
)
TYPES = [
    "NUMBER(19,0)",
    "NUMBER(10,0)",
    "NUMBER(12,2)",
    "FLOAT",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP_LTZ(6)",
    "TIMESTAMP_NTZ(6)",
    "VARCHAR(134217728)",
    "BINARY(67108864)",
]


@pytest.fixture
def values(admin, lake):
    """The table VALUES_SEEN with one value of every type and one null of each."""
    admin(iceberg_table("lake.live.values_seen", lake.write("values_seen", ROWS)))
    return admin


def test_every_type_keeps_its_value_and_its_null(values):
    first, second = values("select * from lake.live.values_seen order by a_long nulls last")
    assert list(first) == [column[0].as_py() for column in ROWS.columns]
    assert set(second) == {None}


def test_types_are_those_that_snowflake_documents(values):
    assert [row[1] for row in values("describe table lake.live.values_seen")] == TYPES
    seen = values(
        "select data_type, numeric_precision, numeric_scale from lake.information_schema.columns "
        "where table_name = 'VALUES_SEEN' order by ordinal_position"
    )
    assert seen[:3] == [("NUMBER", 19, 0), ("NUMBER", 10, 0), ("NUMBER", 12, 2)]


def test_a_sum_of_decimals_is_exact(values):
    assert values("select sum(a_decimal), sum(an_int) from lake.live.values_seen") == [(Decimal("1234567890.12"), -5)]


def test_a_result_of_many_batches_arrives_whole(values):
    rows = values("select seq4() as n from table(generator(rowcount => 300000))")
    assert len(rows) == 300000


def test_an_empty_result_has_columns(standin, values):
    del values
    with standin.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select a_long, a_text from lake.live.values_seen where false")
        assert [column.name for column in cursor.description] == ["A_LONG", "A_TEXT"]
        assert cursor.fetchall() == []


def test_parameters_are_values_not_sql(values):
    asked = "naïve 'quote' ☂"
    assert values("select count(*) from lake.live.values_seen where a_text = %s", (asked,)) == [(1,)]
    assert values("select count(*) from lake.live.values_seen where a_text = %s", ("' or '1'='1",)) == [(0,)]


def test_the_session_is_in_utc(values):
    assert values("select to_varchar('2026-01-01 00:00:00'::timestamp_ltz, 'YYYY-MM-DD HH24')") == [("2026-01-01 00",)]
    assert ("TIMEZONE", "UTC", "", "SESSION") in values("show parameters")
