"""An exposer that slept and wakes up after its successor finds its schema gone; LIVE never goes back."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError

from calve.errors import LeaseLostError
from calve.lake.exposures import begin_exposure
from calve.lake.lease import Holder, acquire, release
from calve.warehouse import ddl
from calve.warehouse.connection import connect, execute
from calve.warehouse.expose import expose
from calve.warehouse.fill import fill
from calve.warehouse.idle import provide_idle, take_idle
from calve.warehouse.target import EXPOSER, read_target

NEW = {"DIM_PLACE": 1, "FCT_SALE": 4, "AGG_DAY": 4}


@pytest.fixture
def owner(settings, conn, lake, snowflake):
    """A session of an exposer, on a database that two publications were exposed to."""
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.publish("revenue")
    expose(settings, conn, lake.project)
    session = connect(settings, snowflake.names.owner)
    yield session
    session.close()


def test_a_sleeper_that_had_filled_its_schema_cannot_swap_it_in(settings, conn, lake, snowflake, owner):
    target = read_target(conn, lake.project, keep={})
    epoch = begin_exposure(conn, target.protected).epoch
    idle = take_idle(owner, snowflake.names, epoch, is_newest=lambda: True)
    fill(owner, snowflake.names, idle, target, epoch=epoch)
    lake.publish("revenue")
    expose(settings, conn, lake.project)
    with pytest.raises(ProgrammingError, match="does not exist"):
        execute(owner, ddl.swap(snowflake.names, idle))
    assert snowflake.served() == NEW


def test_a_sleeper_that_had_not_yet_taken_the_idle_schema_gets_none(settings, conn, lake, snowflake, owner):
    epoch = begin_exposure(conn, {1, 3}).epoch
    lake.publish("revenue")
    expose(settings, conn, lake.project)
    with pytest.raises(LeaseLostError, match=f"expected ours, {epoch}"):
        take_idle(owner, snowflake.names, epoch, is_newest=lambda: False)
    assert snowflake.served() == NEW


def test_a_sleeper_that_makes_an_idle_schema_only_leaves_litter(settings, conn, lake, snowflake, owner):
    execute(owner, f"CREATE SCHEMA {snowflake.names.schema('IDLE_E0')}")
    lake.publish("revenue")
    done = expose(settings, conn, lake.project)
    provide_idle(owner, snowflake.names)
    assert snowflake.served() == NEW
    assert snowflake.schemas() == {"LIVE", "REPORTING", f"IDLE_E{done.epoch}"}


def test_a_sleeper_reads_no_target_any_more(conn, lake, owner):
    lease = acquire(conn, EXPOSER, "expose", Holder.here(), 60)
    read_target(conn, lake.project, keep={}, epoch=lease.epoch)
    release(conn, lease)
    acquire(conn, EXPOSER, "expose", Holder.here(), 60)
    with pytest.raises(LeaseLostError):
        read_target(conn, lake.project, keep={}, epoch=lease.epoch)


def test_a_first_exposer_that_slept_cannot_replace_live(settings, conn, lake, snowflake, owner):
    execute(owner, f"CREATE SCHEMA {snowflake.names.schema('IDLE_E99')}")
    with pytest.raises(ProgrammingError, match="already exists"):
        execute(owner, ddl.rename_schema(snowflake.names, "IDLE_E99", "LIVE"))
    assert snowflake.served() == {"DIM_PLACE": 1, "FCT_SALE": 3, "AGG_DAY": 3}
