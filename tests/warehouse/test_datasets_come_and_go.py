"""A contract that is added, changed or taken away reaches Snowflake without a moment in which a view is broken."""

from __future__ import annotations

from calve.warehouse.expose import expose


def test_a_new_dataset_is_served_and_its_view_with_it(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.change("dim_new")
    lake.view("news", "select max(n.made_in) as m from live.dim_new as n")
    expose(settings, conn, lake.project)
    assert "NEWS" not in {row[1] for row in snowflake.sql("show views in schema {db}.reporting")}
    lake.publish("revenue")
    assert expose(settings, conn, lake.project).views == ("NEWS",)
    assert snowflake.sql("select m from {db}.reporting.news") == [(3,)]


def test_a_new_column_is_served(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue", columns=("colour",))
    lake.view("colours", "select max(s.colour) as colour from live.fct_sale as s")
    expose(settings, conn, lake.project)
    assert snowflake.sql("select colour from {db}.reporting.colours") == [("new",)]
    lake.publish("revenue", columns=("colour",))
    expose(settings, conn, lake.project)
    assert snowflake.sql("select colour from {db}.reporting.colours") == [("new",)]


def test_a_removed_dataset_goes_away(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.remove("agg_day")
    assert expose(settings, conn, lake.project).changed is True
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 2}
    assert expose(settings, conn, lake.project).changed is False


def test_a_removed_dataset_stays_until_no_view_reads_it(settings, conn, lake, snowflake):
    lake.view("days", "select max(d.made_in) as m from live.agg_day as d")
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.remove("agg_day")
    lake.publish("revenue")
    assert expose(settings, conn, lake.project).kept == ("AGG_DAY",)
    assert snowflake.sql("select m from {db}.reporting.days") == [(2,)]
    (lake.views / "days.sql").unlink()
    assert expose(settings, conn, lake.project).views == ("DAYS",)
    assert expose(settings, conn, lake.project).changed is True
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 3}
    assert expose(settings, conn, lake.project).changed is False


def test_a_table_made_anew_under_its_old_name_is_served(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.make_anew("fct_sale")
    for number in (3, 4, 5):
        lake.publish("revenue")
        expose(settings, conn, lake.project)
        assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": number, "AGG_DAY": number}
