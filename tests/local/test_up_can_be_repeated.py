import json
import os
import signal
import stat
from contextlib import suppress

import boto3
import psycopg
import pytest

from calve.errors import LocalEngineError, SettingsError
from calve.settings import load_settings
from calve.standin.local import postgres

pytestmark = pytest.mark.local


def test_every_part_answers_after_up(running):
    assert running.words() == {"postgres": "running", "s3": "running", "snowflake": "running"}


def test_a_second_up_starts_nothing_and_changes_no_secret(running):
    processes, settings = running.state.processes(), running.state.settings()
    running.up()
    assert (running.state.processes(), running.state.settings()) == (processes, settings)


def test_the_settings_are_what_the_local_profile_reads(running, monkeypatch):
    monkeypatch.setenv("CALVE_STATE", str(running.state.root))
    assert load_settings().catalog_url == running.settings().catalog_url


def test_only_the_owner_reads_the_secrets(running):
    assert stat.S_IMODE(running.state.settings_file.stat().st_mode) == 0o600


def test_the_reader_of_the_source_sees_new_tables_and_writes_nothing(running):
    with psycopg.connect(str(running.state.settings()["source_admin_url"])) as admin:
        admin.execute("create table visible (id integer)")
    with psycopg.connect(running.settings().source_url.get_secret_value()) as reader:
        assert reader.execute("select count(*) from visible").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("insert into visible values (1)")


def test_a_wrong_password_is_refused(running):
    url = running.settings().source_url.get_secret_value()
    password = str(running.state.settings()["shop_reader_password"])
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(url.replace(password, "wrong"))


def test_the_lakes_bucket_is_there(running):
    settings = running.settings()
    s3 = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_access_key.get_secret_value(),
    )
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [settings.bucket]


def test_parts_outlive_the_command_and_end_with_down(laptop):
    started = laptop.command("up")
    assert started.returncode == 0, started.stderr
    told = json.loads(laptop.command("status", "--json").stdout)
    assert told["is_well"]
    assert {part["word"] for part in told["parts"]} == {"running"}
    laptop.command("down")
    assert set(laptop.words().values()) == {"stopped"}
    assert laptop.command("status").returncode == 65


def test_a_closed_terminal_ends_nothing(laptop):
    terminal = laptop.popen("up")
    assert terminal.wait() == 0
    with suppress(ProcessLookupError):
        os.killpg(terminal.pid, signal.SIGKILL)
    assert set(laptop.words().values()) == {"running"}


def test_down_keeps_the_data_and_wipe_removes_it(laptop):
    laptop.up()
    with psycopg.connect(str(laptop.state.settings()["source_admin_url"])) as admin:
        admin.execute("create table kept (id integer)")
    laptop.down()
    laptop.up()
    with psycopg.connect(str(laptop.state.settings()["source_admin_url"])) as admin:
        assert admin.execute("select to_regclass('kept') is not null").fetchone() == (True,)
    laptop.down(wipe=True)
    assert sorted(path.name for path in laptop.state.root.iterdir()) == ["local.lock"]


def test_ports_are_remembered_without_the_variables(laptop):
    laptop.up()
    endpoint = laptop.state.settings()["s3_endpoint"]
    laptop.down()
    laptop.environ = {}
    laptop.up()
    assert laptop.state.settings()["s3_endpoint"] == endpoint


def test_another_port_while_it_runs_is_refused(running):
    known = running.environ
    running.environ = {**known, "CALVE_LOCAL_PORT_S3": "1025"}
    with pytest.raises(LocalEngineError, match=r"s3: runs on port \d+, CALVE_LOCAL_PORT_S3 asks for 1025"):
        running.up()
    running.environ = known


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1", ""])
def test_a_port_that_is_none_is_refused_by_name(laptop, port):
    laptop.environ["CALVE_LOCAL_PORT_POSTGRES"] = port
    with pytest.raises(SettingsError, match="CALVE_LOCAL_PORT_POSTGRES: found"):
        laptop.up()


def test_a_folder_that_only_its_owner_can_walk_to_will_do(hidden_laptop):
    mode = hidden_laptop.state.root.parent.stat().st_mode
    assert hidden_laptop.up().is_well
    assert hidden_laptop.state.root.parent.stat().st_mode == mode
    hidden_laptop.down(wipe=True)
    assert not postgres.home(hidden_laptop.state).exists()
