from collections.abc import Callable

import pyarrow as pa
import pytest
from snowflake.connector.errors import DatabaseError, ProgrammingError
from standing_in import iceberg_table

ROLES = (
    *(f"create role {role}" for role in ("lake_owner", "deployer", "reader")),
    *(f"grant role {role} to user ada" for role in ("lake_owner", "deployer", "reader")),
    *(f"grant usage on database lake to role {role}" for role in ("lake_owner", "deployer", "reader")),
    "grant create schema on database lake to role lake_owner",
    "grant usage on external volume calve_lake to role lake_owner",
    "grant usage on integration calve_object_store to role lake_owner",
    "grant usage on schema lake.reporting to role deployer",
    "grant usage on schema lake.reporting to role reader",
    "grant create view on schema lake.reporting to role deployer",
)
OWNED = ("create schema lake.served", "create schema lake.idle_e7")


@pytest.fixture
def playing(admin, lake, standin) -> Callable[..., list[tuple]]:
    """Run a statement as a role; LAKE_OWNER owns SERVED and IDLE_E7 with a table ORDERS each."""
    for statement in ROLES:
        admin(statement)
    connections = {}

    def run(role, sql):
        if role not in connections:
            connections[role] = standin.connect(role=role)
        return connections[role].cursor().execute(sql).fetchall()

    path = lake.write("orders", pa.table({"id": pa.array([1], pa.int64())}))
    for statement in (*OWNED, iceberg_table("lake.served.orders", path), iceberg_table("lake.idle_e7.orders", path)):
        run("lake_owner", statement)
    run.path = path
    yield run
    for connection in connections.values():
        connection.close()


def refused(playing, role, sql) -> int:
    with pytest.raises(ProgrammingError) as failed:
        playing(role, sql)
    return failed.value.errno


def let_read(playing):
    playing("lake_owner", "grant usage on schema lake.served to role reader")
    playing("lake_owner", "grant select on all iceberg tables in schema lake.served to role reader")


def test_a_reader_sees_only_what_was_granted(playing):
    assert refused(playing, "reader", "select * from lake.served.orders") == 2003
    let_read(playing)
    assert playing("reader", "select id from lake.served.orders") == [(1,)]
    assert refused(playing, "reader", "select * from lake.idle_e7.orders") == 2003
    assert [row[1] for row in playing("reader", "show iceberg tables in account")] == ["ORDERS"]


def test_select_without_usage_of_the_schema_shows_no_table(playing):
    playing("lake_owner", "grant select on table lake.served.orders to role reader")
    assert refused(playing, "reader", "select * from lake.served.orders") == 2003


def test_a_privilege_other_than_select_reads_nothing(playing):
    playing("lake_owner", "grant usage on schema lake.served to role reader")
    playing("lake_owner", "grant references on table lake.served.orders to role reader")
    assert refused(playing, "reader", "select * from lake.served.orders") == 3001


def test_usage_of_the_schema_alone_shows_no_table(playing):
    playing("lake_owner", "grant usage on schema lake.served to role reader")
    assert refused(playing, "reader", "select * from lake.served.orders") == 2003


@pytest.mark.parametrize(
    "sql",
    [
        "alter iceberg table lake.served.orders refresh '{path}'",
        "alter schema lake.served swap with lake.idle_e7",
        "alter schema lake.served rename to lake.x",
        "drop iceberg table lake.served.orders",
        "create view lake.served.v as select 1 as one",
    ],
)
def test_a_reader_changes_nothing(playing, sql):
    let_read(playing)
    assert refused(playing, "reader", sql.format(path=playing.path)) in {3001, 2003}
    assert playing("reader", "select id from lake.served.orders") == [(1,)]


def test_refresh_needs_ownership(playing):
    let_read(playing)
    assert refused(playing, "reader", f"alter iceberg table lake.served.orders refresh '{playing.path}'") == 3001
    playing("lake_owner", f"alter iceberg table lake.served.orders refresh '{playing.path}'")


def test_refresh_needs_the_owners_usage_of_the_volume(playing, admin):
    admin("revoke usage on external volume calve_lake from role lake_owner")
    errno = refused(playing, "lake_owner", f"alter iceberg table lake.served.orders refresh '{playing.path}'")
    assert errno == 2003
    assert playing("lake_owner", "select id from lake.served.orders") == [(1,)]


def test_a_view_reads_with_its_owners_rights(playing):
    let_read(playing)
    playing("lake_owner", "grant usage on schema lake.served to role deployer")
    playing("lake_owner", "grant select on table lake.served.orders to role deployer")
    playing("lake_owner", "revoke select on table lake.served.orders from role reader")
    playing("deployer", "create view lake.reporting.v as select id from lake.served.orders")
    assert refused(playing, "reader", "select * from lake.reporting.v") == 2003
    playing("deployer", "grant select on view lake.reporting.v to role reader")
    assert playing("reader", "select id from lake.reporting.v") == [(1,)]
    playing("lake_owner", "revoke select on table lake.served.orders from role deployer")
    assert refused(playing, "reader", "select * from lake.reporting.v") == 2003


def test_copy_grants_keeps_readers_and_its_absence_drops_them(playing):
    playing("deployer", "create view lake.reporting.v as select 1 as one")
    playing("deployer", "grant select on view lake.reporting.v to role reader")
    playing("deployer", "create or replace view lake.reporting.v copy grants as select 2 as two")
    assert playing("reader", "select * from lake.reporting.v") == [(2,)]
    playing("deployer", "create or replace view lake.reporting.v as select 3 as three")
    assert refused(playing, "reader", "select * from lake.reporting.v") == 2003


def test_future_grants_reach_tables_that_come_later(playing, admin):
    admin("grant select on future iceberg tables in schema lake.served to role reader")
    playing("lake_owner", "grant usage on schema lake.served to role reader")
    playing("lake_owner", iceberg_table("lake.served.later", playing.path))
    assert playing("reader", "select id from lake.served.later") == [(1,)]
    assert refused(playing, "reader", "select id from lake.served.orders") == 2003


def test_replacing_a_table_drops_its_grants(playing):
    let_read(playing)
    playing("lake_owner", iceberg_table("lake.served.orders", playing.path).replace("create", "create or replace", 1))
    assert refused(playing, "reader", "select id from lake.served.orders") == 2003
    assert "SELECT" not in {row[1] for row in playing("reader", "show grants to role reader")}


def test_only_owners_grant(playing):
    let_read(playing)
    assert refused(playing, "reader", "grant select on table lake.served.orders to role deployer") == 3001


def test_ownership_moves_and_says_what_depends_on_it(playing):
    let_read(playing)
    assert refused(playing, "lake_owner", "grant ownership on table lake.served.orders to role deployer") == 3036
    playing("lake_owner", "grant ownership on table lake.served.orders to role deployer copy current grants")
    assert playing("reader", "select id from lake.served.orders") == [(1,)]
    assert refused(playing, "lake_owner", "drop iceberg table lake.served.orders") == 2003


def test_a_role_inherits_from_the_roles_granted_to_it(playing, admin):
    let_read(playing)
    admin("grant role reader to role deployer")
    assert playing("deployer", "select id from lake.served.orders") == [(1,)]


def test_a_role_that_was_not_granted_cannot_be_played(playing, admin, standin):
    admin("create role stranger")
    assert refused(playing, "reader", "use role stranger") == 3013
    with pytest.raises(DatabaseError, match="not granted to this user"):
        standin.connect(role="stranger")
    with pytest.raises(DatabaseError, match="does not exist"):
        standin.connect(role="nobody")
