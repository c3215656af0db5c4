"""A statement whose reply is lost may have been applied or not; LIVE is whole either way and the next run heals."""

from __future__ import annotations

import pytest

from calve.errors import WarehouseStateError, WarehouseUnavailableError
from calve.lake.exposures import served_exposures
from calve.warehouse.expose import expose

OLD = {"DIM_PLACE": 1, "FCT_SALE": 2, "AGG_DAY": 2}
NEW = {"DIM_PLACE": 1, "FCT_SALE": 3, "AGG_DAY": 3}


@pytest.mark.parametrize("kind", ["lost", "lost_once", "dropped"])
def test_an_unanswered_swap_is_looked_up_and_never_issued_again(settings, conn, lake, snowflake, kind):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    snowflake.fault(kind, "schema {db}.live swap")
    done = expose(settings, conn, lake.project)
    assert snowflake.served() == NEW
    applied = kind != "dropped"
    assert done.changed is not applied  # found to be served, or swapped under another epoch
    (struck,) = snowflake.struck()
    assert (f"IDLE_E{done.epoch}" in struck) is applied
    assert [record.epoch for record in served_exposures(conn) if record.state == "live"] == [done.epoch]


@pytest.mark.parametrize("kind", ["lost", "dropped"])
def test_an_unanswered_first_live_is_looked_up(settings, conn, lake, snowflake, kind):
    lake.publish_both()
    snowflake.fault(kind, "rename to {db}.live")
    expose(settings, conn, lake.project)
    assert snowflake.served() == OLD


def test_a_swap_that_is_refused_changes_nothing_and_the_next_expose_serves(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    snowflake.fault("failed", "schema {db}.live swap")
    with pytest.raises(WarehouseStateError, match="LIVE is unchanged"):
        expose(settings, conn, lake.project)
    assert snowflake.served() == OLD
    expose(settings, conn, lake.project)
    assert snowflake.served() == NEW


def test_a_snowflake_that_never_answers_a_swap_ends_in_a_retryable_error(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    snowflake.fault("dropped", "schema {db}.live swap", times=3)
    with pytest.raises(WarehouseUnavailableError, match="LIVE not at its target after 3 epochs") as raised:
        expose(settings, conn, lake.project)
    assert raised.value.exit_code == 75
    assert snowflake.served() == OLD


@pytest.mark.parametrize("kind", ["lost", "dropped"])
@pytest.mark.parametrize(
    "statement", ["rename to {db}.idle", "refresh", "create or replace table", "insert into {db}.idle", "replace view"]
)
def test_whatever_else_is_unanswered_the_next_expose_heals(settings, conn, lake, snowflake, statement, kind):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    lake.view("both", "select min(v.amount) as amount from reporting.sale_by_place as v")
    snowflake.fault(kind, statement)
    with pytest.raises(WarehouseUnavailableError):
        expose(settings, conn, lake.project)
    served = snowflake.served()
    assert served in (NEW, NEW | {"FCT_SALE": 4, "AGG_DAY": 4})
    assert len(snowflake.struck()) == 1
    expose(settings, conn, lake.project)
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 4, "AGG_DAY": 4}
    assert expose(settings, conn, lake.project).changed is False
