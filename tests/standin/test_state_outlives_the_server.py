import json
import os
import subprocess
import sys
import urllib.request

import pyarrow as pa
from standing_in import KEYS, SETUP, Running, iceberg_table

from unused_ports import free_ports


def test_everything_is_there_after_a_restart(serve, lake, tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    path = lake.write("orders", pa.table({"id": pa.array([1, 2], pa.int64())}))
    statements = [
        *SETUP,
        iceberg_table("lake.live.orders", path),
        "create table lake.live.state (n number, note varchar)",
        "insert into lake.live.state values (7, 'x')",
        "create table lake.live.gone (n number)",
        "drop table lake.live.gone",
        "create view lake.reporting.v as select count(*) as n from lake.live.orders",
        "create role reader",
        "grant select on view lake.reporting.v to role reader",
    ]
    with serve(folder).connect() as connection:
        for statement in statements:
            connection.cursor().execute(statement)
    serve.stop()
    with serve(folder).connect(database="lake", schema="live") as connection, connection.cursor() as cursor:
        assert cursor.execute("select n, note from state").fetchall() == [(7, "x")]
        assert cursor.execute("select n from lake.reporting.v").fetchall() == [(2,)]
        grants = cursor.execute("show grants to role reader").fetchall()
        assert [row[1:4] for row in grants] == [("SELECT", "VIEW", "LAKE.REPORTING.V")]
        cursor.execute("insert into state values (8, 'y')")
        assert cursor.execute("select count(*) from state").fetchall() == [(2,)]


def test_it_runs_as_a_process_of_its_own(s3_endpoint, tmp_path):
    (port,) = free_ports(1)
    secrets = {
        "CALVE_S3_ACCESS_KEY_ID": KEYS[0],
        "CALVE_S3_SECRET_ACCESS_KEY": KEYS[1],
        "CALVE_SNOWFLAKE_PASSWORD": "secret",
    }
    command = [sys.executable, "-m", "calve.standin.snowflake", "--port", str(port), "--s3-endpoint", s3_endpoint]
    process = subprocess.Popen([*command, "--state-dir", str(tmp_path / "new")], env=os.environ | secrets)
    try:
        assert _health(process, port)["status"] == "ok"
        with Running(port).connect() as connection:
            assert connection.cursor().execute("select current_role()").fetchall() == [("ACCOUNTADMIN",)]
    finally:
        process.terminate()
        process.wait(20)
    assert (tmp_path / "new" / "catalog.json").exists()


def _health(process, port):
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                return json.load(reply)
        except OSError:
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
    msg = "the stand-in ended before it answered"
    raise AssertionError(msg)
