"""Views are replaced when their text changed, and only then."""

from __future__ import annotations

import pytest

from calve.errors import WarehouseStateError
from calve.warehouse.expose import expose
from calve.warehouse.read import query


def test_only_the_changed_view_is_replaced_and_keeps_its_grants(settings, conn, lake, snowflake):
    lake.publish_both()
    assert set(expose(settings, conn, lake.project).views) == {"SALE_BY_PLACE", "BOTH", "PUBLICATION", "DATA_QUALITY"}
    lake.view("both", "select min(v.amount) as amount, 1 as one from reporting.sale_by_place as v")
    done = expose(settings, conn, lake.project)
    assert (done.changed, done.views, done.grants) == (False, ("BOTH",), ())
    reader = f"{snowflake.names.database}_REPORTING"
    assert snowflake.sql("select amount, one from {db}.reporting.both", reader) == [(2, 1)]


def test_a_view_without_file_is_dropped_and_one_that_is_not_ours_stays(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    snowflake.sql("create view {db}.reporting.theirs as select 1 as one")
    (lake.views / "both.sql").unlink()
    assert expose(settings, conn, lake.project).views == ("BOTH",)
    shown = {row[1] for row in snowflake.sql("show views in schema {db}.reporting")}
    assert shown == {"SALE_BY_PLACE", "PUBLICATION", "DATA_QUALITY", "THEIRS"}


def test_a_view_that_snowflake_refuses_is_named_and_the_data_is_served(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.view("both", "select v.no_such_column from reporting.sale_by_place as v")
    lake.publish("revenue")
    with pytest.raises(WarehouseStateError, match=r"correct iceberg/views/both\.sql"):
        expose(settings, conn, lake.project)
    assert snowflake.served()["FCT_SALE"] == 3
    lake.view("both", "select max(v.amount) as amount from reporting.sale_by_place as v")
    assert expose(settings, conn, lake.project).changed is False


def test_the_page_reads_views_by_the_names_that_people_use(settings, conn, lake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    assert query(settings, "select amount as total from reporting.both") == [{"total": 2}]
    with pytest.raises(WarehouseStateError, match="no_such_view"):
        query(settings, "select 1 as x from reporting.no_such_view")
