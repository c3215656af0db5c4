"""SIGKILL before and after every effect of an expose: LIVE is whole, and the next expose serves the newest.

The points are read from the source, so a new effect without a case can't be added.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from exposing import expose_until

import calve.warehouse
from calve.lake.exposures import served_exposures
from calve.warehouse.expose import expose

EFFECTS = sorted(
    {
        name
        for file in Path(calve.warehouse.__file__).parent.glob("*.py")
        for name in re.findall(r'with effect\("([\w.-]+)"\)', file.read_text())
    }
)
AGAIN = [name for name in EFFECTS if name not in {"account.prepare", "idle.create"}]
RECORDS = ["exposure.begin", "exposure.end"]


def turn(lake) -> None:
    """Change the project so that an expose must make, change and take away one of each kind."""
    come, go = ("dim_new", "dim_other") if "dim_other" in lake.project.contracts else ("dim_other", "dim_new")
    lake.remove(go)
    lake.change(come)
    masked = {"name": "name_only"} if come == "dim_new" else {"amount": "amount_only"}
    lake.change("fct_sale", serve={"readers": ("reporting", come), "masking": masked})
    (lake.views / f"about_{go}.sql").unlink(missing_ok=True)
    lake.view(f"about_{come}", "select max(s.amount) as amount from live.fct_sale as s")


@pytest.fixture(scope="module")
def settled(world):
    """Both schemas as the project wants them, before each turn."""
    turn(world.lake)
    for _ in range(2):
        world.lake.publish_both()
        expose(world.settings, world.conn, world.lake.project)
    yield world
    world.snowflake.close()


@pytest.mark.parametrize("name", AGAIN + RECORDS)
def test_a_kill_between_any_two_statements_leaves_live_whole(settled, name):
    lake, snowflake = settled.lake, settled.snowflake
    old = snowflake.served()
    turn(lake)
    snowflake.sql("create schema if not exists {db}.idle_e0", snowflake.names.owner)
    reference, revenue = lake.publish_both()
    new = {dataset.upper(): revenue for dataset in lake.project.contracts} | {"DIM_PLACE": reference}
    for when in ("before", "after"):
        assert expose_until(f"{name}:{when}", settled.settings, lake.project) == -9
        assert snowflake.served() in (old, new)
    expose(settled.settings, settled.conn, lake.project)
    assert snowflake.served() == new
    assert [record.state for record in served_exposures(settled.conn)].count("live") == 1
    lake.judge(f"revenue@2026-01-01#{revenue}", "fct_sale", "blocked", "blocked")
    done = expose(settled.settings, settled.conn, lake.project)
    assert (done.changed, snowflake.schemas()) == (True, {"LIVE", "REPORTING", f"IDLE_E{done.epoch}"})


@pytest.mark.parametrize("name", ["account.prepare", "idle.create", "live.swap"])
def test_a_kill_of_the_first_expose_leaves_nothing_or_everything(settings, conn, lake, snowflake, name):
    lake.publish_both()
    new = {"DIM_PLACE": 1, "FCT_SALE": 2, "AGG_DAY": 2}
    for when in ("before", "after"):
        assert expose_until(f"{name}:{when}", settings, lake.project) == -9
    if name == "live.swap":
        assert snowflake.served() == new
    expose(settings, conn, lake.project)
    assert snowflake.served() == new
    assert snowflake.sql("select max(amount) from {db}.reporting.both") == [(2,)]
