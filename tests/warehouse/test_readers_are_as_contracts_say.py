"""I10 and grants: who may read what, before and after every swap, is what the contracts say."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError

from calve.errors import SettingsError
from calve.warehouse.expose import expose


def reader(snowflake, name: str = "REPORTING") -> str:
    return f"{snowflake.names.database}_{name}"


def test_a_reader_reads_tables_and_views_across_swaps_and_changes_nothing(settings, conn, lake, snowflake):
    for number in (2, 4, 6):
        lake.publish_both()
        expose(settings, conn, lake.project)
        assert snowflake.sql("select max(made_in) from {db}.live.fct_sale", reader(snowflake)) == [(number,)]
        assert snowflake.sql("select amount from {db}.reporting.both", reader(snowflake)) == [(number,)]
    for statement in ("alter schema {db}.live rename to {db}.x", "alter iceberg table {db}.live.fct_sale refresh 'x'"):
        with pytest.raises(ProgrammingError):
            snowflake.sql(statement, reader(snowflake))


def test_a_grant_that_no_contract_asks_for_is_noticed_and_taken_back(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    snowflake.sql(f"create role {reader(snowflake, 'NOSY')}")
    snowflake.sql(f"grant select on table {{db}}.live.fct_sale to role {reader(snowflake, 'NOSY')}")
    done = expose(settings, conn, lake.project)
    assert done.grants == (
        f"revoked SELECT on {snowflake.names.table('LIVE', 'FCT_SALE')} to {reader(snowflake, 'NOSY')}",
    )
    assert expose(settings, conn, lake.project).grants == ()


def test_a_grant_that_got_lost_is_given_again(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    snowflake.sql(f"revoke select on view {{db}}.reporting.both from role {reader(snowflake)}")
    expose(settings, conn, lake.project)
    assert snowflake.sql("select amount from {db}.reporting.both", reader(snowflake)) == [(2,)]


def test_a_contract_that_changes_its_readers_changes_who_reads(settings, conn, lake, snowflake):
    lake.publish_both()
    expose(settings, conn, lake.project)
    lake.change("fct_sale", serve={"readers": ("finance",)})
    expose(settings, conn, lake.project)
    for _ in range(2):
        assert snowflake.sql("select count(*) from {db}.live.fct_sale", reader(snowflake, "FINANCE")) == [(3,)]
        for hidden in ("live.fct_sale", "reporting.both"):  # the view reads fct_sale through another view
            with pytest.raises(ProgrammingError, match="not authorized"):
                snowflake.sql(f"select count(*) from {{db}}.{hidden}", reader(snowflake))
        lake.publish("revenue")
        expose(settings, conn, lake.project)


def test_a_masked_column_is_seen_by_its_policys_role_only_whichever_schema_is_live(settings, conn, lake, snowflake):
    lake.change("fct_sale", serve={"readers": ("reporting", "analyst"), "masking": {"name": "analyst"}})
    for _ in range(3):
        lake.publish_both()
        expose(settings, conn, lake.project)
        sql = "select distinct name from {db}.live.fct_sale where id = 1"
        assert snowflake.sql(sql, reader(snowflake)) == [("***",)]
        assert snowflake.sql(sql, reader(snowflake, "ANALYST")) == [("n1",)]
    lake.change("fct_sale", serve={"readers": ("reporting",)})
    assert expose(settings, conn, lake.project).grants[0].startswith("unmasked")
    assert snowflake.sql(sql, reader(snowflake)) == [("n1",)]


def test_on_a_real_account_missing_roles_are_an_administrators_business(settings, conn, lake, snowflake):
    lake.publish_both()
    with pytest.raises(SettingsError, match="roles granted to the user"):
        expose(settings.model_copy(update={"profile": "cluster"}), conn, lake.project)
    assert f"{snowflake.names.database}_OWNER" not in {row[1] for row in snowflake.sql("show roles")}
