import json

import pyarrow as pa
import pytest
from pyiceberg.types import StringType
from snowflake.connector.errors import ProgrammingError
from standing_in import BUCKET, iceberg_table

T = "lake.live.orders"


def ids(*numbers):
    return pa.table({"id": pa.array(numbers, pa.int64())})


@pytest.fixture
def orders(admin, lake):
    """The table ORDERS, made from the metadata of its first publication."""
    path = lake.write("orders", ids(1, 2))
    admin(iceberg_table(T, path))
    return path


def read(admin):
    return sorted(number for (number,) in admin(f"select id from {T}"))


def test_a_newer_commit_is_invisible_until_refresh(admin, lake, orders):
    newer = lake.write("orders", ids(3))
    assert read(admin) == [1, 2]
    admin(f"alter iceberg table {T} refresh '{newer}'")
    assert read(admin) == [3]


def test_refresh_to_an_older_file_serves_the_older_rows(admin, lake, orders):
    admin(f"alter iceberg table {T} refresh '{lake.write('orders', ids(3))}'")
    admin(f"alter iceberg table {T} refresh '{orders}'")
    assert read(admin) == [1, 2]


def test_the_status_names_the_snapshot_that_is_served(admin, lake, orders):
    before = lake.snapshot("orders")
    newer = lake.write("orders", ids(3))
    status = json.loads(admin(f"select system$auto_refresh_status('{T}')")[0][0])
    assert status["currentSnapshotId"] == before
    admin(f"alter iceberg table {T} refresh '{newer}'")
    status = json.loads(admin(f"select system$auto_refresh_status('{T}')")[0][0])
    assert status["currentSnapshotId"] == lake.snapshot("orders") != before
    assert status["currentMetadataFile"] == f"s3://{BUCKET}/lake/{newer}"


def test_the_history_lists_refreshes_newest_first(admin, lake, orders):
    newer = lake.write("orders", ids(3))
    admin(f"alter iceberg table {T} refresh '{newer}'")
    history = admin(
        "select metadata_file_name, is_current_snapshot from "
        f"table(lake.information_schema.iceberg_table_snapshot_refresh_history(table_name => '{T}'))"
    )
    base = f"s3://{BUCKET}/lake/"
    assert history == [(base + newer, True), (base + orders, False)]


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        pytest.param("_published/none.metadata.json", 100071, id="absent"),
        pytest.param("/_published/x.metadata.json", 91383, id="leading slash"),
        pytest.param(f"s3://{BUCKET}/lake/x.metadata.json", 91383, id="absolute"),
        pytest.param("../lake/x.metadata.json", 91383, id="outside the volume"),
        pytest.param("_published/orders.avro", 91383, id="no metadata file"),
        pytest.param("broken.metadata.json", 91388, id="broken"),
        pytest.param("pointless.metadata.json", 91388, id="names a snapshot that it lacks"),
        pytest.param("hollow.metadata.json", 100071, id="manifest list gone"),
        pytest.param("other.metadata.json", 91382, id="another table's"),
    ],
)
def test_a_wrong_path_is_an_error_and_changes_nothing(admin, lake, orders, path, errno):
    good = json.loads(lake.s3.get_object(Bucket=BUCKET, Key=f"lake/{orders}")["Body"].read())
    current = good["current-snapshot-id"]
    hollow = [shot | {"manifest-list": f"s3://{BUCKET}/lake/none.avro"} for shot in good["snapshots"]]
    bodies = {
        "broken": '{"format-version": 2',
        "pointless": json.dumps(good | {"snapshots": []}),
        "hollow": json.dumps(good | {"snapshots": hollow, "current-snapshot-id": current}),
        "other": json.dumps(good | {"table-uuid": "00000000-0000-0000-0000-000000000000"}),
    }
    for name, body in bodies.items():
        lake.s3.put_object(Bucket=BUCKET, Key=f"lake/{name}.metadata.json", Body=body)
    with pytest.raises(ProgrammingError) as failed:
        admin(f"alter iceberg table {T} refresh '{path}'")
    assert failed.value.errno == errno
    assert read(admin) == [1, 2]


def test_a_data_file_that_is_gone_is_missed(admin, lake, orders):
    assert read(admin) == [1, 2]
    for entry in lake.s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        if entry["Key"].endswith(".parquet"):
            lake.s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    with pytest.raises(ProgrammingError) as failed:
        read(admin)
    assert failed.value.errno == 100071


def test_a_table_without_snapshots_is_empty(admin, lake):
    lake.catalog.create_table("curated.empty", schema=ids().schema)
    admin(iceberg_table("lake.live.empty", lake.publish("empty")))
    assert admin("select * from lake.live.empty") == []
    status = json.loads(admin("select system$auto_refresh_status('lake.live.empty')")[0][0])
    assert status["currentSnapshotId"] is None


def test_an_added_column_appears_with_its_refresh(admin, lake, orders):
    with lake.catalog.load_table("curated.orders").update_schema() as change:
        change.add_column("note", StringType())
    assert [row[0] for row in admin(f"describe table {T}")] == ["ID"]
    admin(f"alter iceberg table {T} refresh '{lake.publish('orders')}'")
    assert [row[:2] for row in admin(f"describe table {T}")] == [("ID", "NUMBER(19,0)"), ("NOTE", "VARCHAR(134217728)")]
    assert sorted(admin(f"select * from {T}")) == [(1, None), (2, None)]


def test_a_served_table_is_read_only(admin, orders):
    with pytest.raises(ProgrammingError, match="managed by an external catalog"):
        admin(f"insert into {T} values (9)")
