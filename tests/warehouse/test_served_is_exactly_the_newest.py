"""I6: Snowflake serves published snapshots only, all of the newest records, and never goes back unasked."""

from __future__ import annotations

import psycopg
import pytest
from published_lake import DETAIL, START

from calve.errors import WarehouseStateError
from calve.lake.exposures import served_exposures
from calve.lake.metrics import COMPARED
from calve.warehouse.expose import expose


def test_the_first_expose_makes_everything_from_nothing(settings, conn, lake, snowflake):
    lake.publish_both()
    done = expose(settings, conn, lake.project)
    assert (done.changed, dict(done.publications)) == (True, {"reference": 1, "revenue": 2})
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 2, "AGG_DAY": 2}
    assert snowflake.schemas() == {"LIVE", "REPORTING"}
    assert snowflake.sql("select max(amount) from {db}.reporting.both") == [(2,)]


def test_before_the_first_publication_there_is_nothing_to_do(settings, conn, lake, snowflake):
    assert expose(settings, conn, lake.project).changed is False
    assert "LIVE" not in snowflake.schemas()


def test_the_newest_of_every_pipeline_is_served_whoever_asks(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    lake.publish("reference")
    lake.publish("revenue")
    expose(settings, conn, lake.project)
    assert snowflake.served() == {"DIM_PLACE": 4, "FCT_SALE": 5, "AGG_DAY": 5}


def test_doing_it_again_changes_nothing(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    first = expose(settings, conn, lake.project)
    before = snowflake.schemas()
    again = expose(settings, conn, lake.project)
    assert (again.changed, again.epoch, again.views, again.grants) == (False, first.epoch, (), ())
    assert snowflake.schemas() == before == {"LIVE", "REPORTING", f"IDLE_E{first.epoch}"}


def test_nothing_is_remembered_that_snowflake_does_not_say(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    done = expose(settings, conn, lake.project)
    snowflake.sql(f"alter schema {{db}}.live swap with {{db}}.idle_e{done.epoch}")
    assert snowflake.served()["FCT_SALE"] == 2
    assert expose(settings, conn, lake.project).changed is True
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 3, "AGG_DAY": 3}
    served = {(record.state, record.numbers) for record in served_exposures(conn)}
    assert served == {("idle", (1, 2)), ("live", (1, 3))}


def test_a_rollback_is_served_as_the_publication_it_is(settings, conn, lake, snowflake):
    lake.publish_both()
    lake.publish("revenue")
    expose(settings, conn, lake.project)
    number = lake.roll_back("revenue", to=2)
    done = expose(settings, conn, lake.project)
    assert done.publications["revenue"] == number == 4
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 2, "AGG_DAY": 2}


def test_a_publication_that_is_not_committed_is_not_served(settings, conn, lake, snowflake):
    lake.publish_both()
    lake.publish("revenue")
    url = settings.catalog_url.get_secret_value()
    with psycopg.connect(url) as other:
        other.execute(
            "insert into calve.publication select (jsonb_populate_record(publication, jsonb_build_object("
            "'number', 7, 'run_key', 'revenue@2026-01-09#0'))).* from calve.publication where number = 3"
        )
        expose(settings, conn, lake.project)
        assert snowflake.sql(
            "select publication from {db}.live.publication where dataset = 'fct_sale' and is_served"
        ) == [(3,)]
        other.commit()
    expose(settings, conn, lake.project)
    assert snowflake.sql("select publication from {db}.live.publication where dataset = 'fct_sale' and is_served") == [
        (7,)
    ]


def test_the_publication_table_says_what_is_served_and_until_when_it_is_verified(settings, conn, lake, snowflake):
    lake.publish_both()
    lake.publish("revenue")
    expose(settings, conn, lake.project)
    rows = snowflake.sql(
        "select dataset, publication, is_served, to_varchar(verified_through), row_count "
        "from {db}.live.publication order by dataset, publication"
    )
    assert rows == [
        ("agg_day", 2, False, None, 3),
        ("agg_day", 3, True, "2026-01-01", 3),
        ("dim_place", 1, True, None, 3),
        ("fct_sale", 2, False, None, 3),
        ("fct_sale", 3, True, "2026-01-01", 3),
    ]


def test_what_has_control_totals_is_verified_only_where_it_was_compared_with_them(settings, conn, lake, snowflake):
    total = {"source": "control_total", "table_name": "sale", "date": "id", "by": "id", "sum": "amount"}
    lake.change("fct_sale", control_total=total)
    for _ in range(4):
        number = lake.publish("revenue")
    verified = "select dataset, to_varchar(verified_through) from {db}.live.publication where is_served order by 1"
    expose(settings, conn, lake.project)
    assert snowflake.sql(verified) == [("agg_day", "2026-01-03"), ("fct_sale", None)]
    conn.execute(
        "insert into calve.metric select run_key, 'fct_sale', %s, '2026-01-02', '', 3, 3"
        " from calve.publication where number = %s",
        (COMPARED, number),
    )
    assert expose(settings, conn, lake.project).changed is True
    assert snowflake.sql(verified) == [("agg_day", "2026-01-03"), ("fct_sale", "2026-01-02")]


def test_a_blocked_verdict_is_shown_though_nothing_was_published(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.judge("revenue@2026-01-02#0", "fct_sale", "blocked", "blocked")
    assert expose(settings, conn, lake.project).changed is True
    assert snowflake.sql("select * from {db}.reporting.data_quality") == [
        ("revenue@2026-01-02#0", "unique(id)", "blocked", None)
    ]
    rows = snowflake.sql("select detail, decided_at, checked_rows from {db}.live.data_quality")
    assert rows == [(DETAIL, START, 3)]
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 2, "AGG_DAY": 2}


def test_the_records_know_what_either_schema_serves(settings, conn, lake, snowflake):
    for _ in range(3):
        lake.publish_both()
        done = expose(settings, conn, lake.project)
    found = [(record.state, record.numbers) for record in served_exposures(conn)]
    assert found == [("idle", (3, 4)), ("live", (5, 6))]
    assert snowflake.sql("select epoch from {db}.live.exposure") == [(done.epoch,)]


def test_idle_schemas_that_were_left_behind_are_cleaned_up(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    done = expose(settings, conn, lake.project)
    snowflake.sql("create schema {db}.idle_e0", snowflake.names.owner)
    lake.publish("revenue")
    done = expose(settings, conn, lake.project)
    assert snowflake.schemas() == {"LIVE", "REPORTING", f"IDLE_E{done.epoch}"}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(
            lambda lake, _: lake.break_copy("agg_day"), "check that _published/curated.agg_day", id="copy gone"
        ),
        pytest.param(lambda lake, n: lake.miscount(n, "agg_day"), "AGG_DAY 3 rows, expected 99", id="rows missing"),
    ],
)
def test_what_is_not_as_recorded_is_never_served(settings, conn, lake, snowflake, damage, message):
    lake.publish_both()
    expose(settings, conn, lake.project)
    damage(lake, lake.publish("revenue"))
    with pytest.raises(WarehouseStateError, match=message):
        expose(settings, conn, lake.project)
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 2, "AGG_DAY": 2}
    lake.publish("revenue")
    expose(settings, conn, lake.project)
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 4, "AGG_DAY": 4}


def test_records_older_than_snowflake_are_noticed(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    snowflake.sql("create schema {db}.idle_e50", snowflake.names.owner)
    lake.publish("revenue")
    with pytest.raises(WarehouseStateError, match="found epoch 50, expected at most 2"):
        expose(settings, conn, lake.project)
    assert snowflake.served()["FCT_SALE"] == 2
