import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from calve.doctor import doctor, examine, exit_code
from calve.errors import EX_DATAERR, EX_TEMPFAIL, SettingsError

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def project(running, tmp_path_factory):
    """A project with one source, whose table the source has."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "iceberg" / "sources").mkdir(parents=True)
    (folder / "iceberg" / "sources" / "region.yaml").write_text("source: region\ntable: public.region\n")
    with psycopg.connect(str(running.state.settings()["source_admin_url"])) as admin:
        admin.execute("create table region (region_id integer)")
        admin.execute("create table hidden (id integer)")
        admin.execute("revoke all on hidden from shop_reader")
    return folder


@pytest.fixture
def settings(running, project):
    return running.settings().model_copy(update={"project": project})


@pytest.fixture
def examined(settings):
    """Run all checks with some settings changed; return the findings by check and the exit code."""

    def examine_with(now=lambda: datetime.now(UTC), **changes):
        secret = {
            name: SecretStr(value) if name.endswith(("_url", "_password")) else value for name, value in changes.items()
        }
        findings = list(examine(lambda: settings.model_copy(update=secret), now))
        return {finding.check: finding for finding in findings}, exit_code(findings)

    return examine_with


def wrong(findings):
    return [check for check, finding in findings.items() if not finding.is_well]


def test_a_whole_engine_is_well(examined):
    findings, code = examined()
    assert wrong(findings) == []
    assert code == 0
    assert "source public.region" in findings


def test_a_wrong_password_is_told_apart_from_a_server_that_is_down(examined, settings, free_port):
    url = settings.source_url.get_secret_value()
    password = url.split(":")[2].split("@")[0]
    refused, code = examined(source_url=url.replace(password, "wrong"))
    assert (wrong(refused), code) == (["source"], EX_DATAERR)
    assert "correct user, password and database in CALVE_SOURCE_URL" in refused["source"].found
    down, code = examined(source_url=f"postgresql://reader:secret@127.0.0.1:{free_port}/shop")
    assert (wrong(down), code) == (["source"], EX_TEMPFAIL)
    assert f"127.0.0.1:{free_port}/shop" in down["source"].found


@pytest.mark.parametrize(
    ("table", "told"),
    [
        pytest.param("public.nowhere", "absent or hidden", id="absent"),
        pytest.param(
            "public.hidden", "may not read it, expected SELECT; grant select on public.hidden", id="not granted"
        ),
    ],
)
def test_a_table_that_can_not_be_read_is_named(examined, project, tmp_path, table, told):
    (tmp_path / "iceberg" / "sources").mkdir(parents=True)
    (tmp_path / "iceberg" / "sources" / "thing.yaml").write_text(f"source: thing\ntable: {table}\n")
    findings, code = examined(project=tmp_path)
    assert (wrong(findings), code) == ([f"source {table}"], EX_DATAERR)
    assert told in findings[f"source {table}"].found


def test_a_user_that_may_write_the_source_is_told(examined, running):
    findings, _ = examined(source_url=str(running.state.settings()["source_admin_url"]))
    assert "may write it, expected a user that only reads" in findings["source public.region"].found


def test_a_catalog_user_that_may_not_create_tables_is_told(examined, running):
    reader = running.settings().source_url.get_secret_value()
    findings, code = examined(catalog_url=reader)
    assert wrong(findings) == ["catalog tables"]
    assert code == EX_DATAERR
    assert "shop_reader may not create a table" in findings["catalog tables"].found


@pytest.mark.parametrize("minutes", [2, -2])
def test_a_clock_that_is_off_is_told(examined, minutes):
    findings, code = examined(now=lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    assert (wrong(findings), code) == (["clock"], EX_TEMPFAIL)
    assert "expected below 20 s" in findings["clock"].found


def test_an_absent_bucket_is_told(examined):
    findings, code = examined(warehouse="s3://nowhere/lake")
    assert "could not reach bucket nowhere" in findings["object store"].found
    assert code == EX_DATAERR


def test_a_store_that_does_not_answer_is_told(examined, free_port):
    findings, _ = examined(s3_endpoint=f"http://127.0.0.1:{free_port}")
    assert findings["object store"].retryable
    assert f"127.0.0.1:{free_port}" in findings["object store"].found


def test_a_refused_snowflake_login_is_told(examined):
    findings, code = examined(snowflake_password="wrong")
    assert (wrong(findings), code) == (["snowflake"], EX_DATAERR)


def test_nothing_is_left_behind(examined, settings, running):
    from calve.standin.local import store

    examined()
    s3 = store.client(running.state.settings())
    kept = [entry["Key"] for entry in s3.list_objects_v2(Bucket=settings.bucket)["Contents"]]
    assert kept == [store.MARKER]
    with psycopg.connect(settings.catalog_url.get_secret_value()) as catalog:
        assert catalog.execute("select to_regclass('_calve_doctor')").fetchone() == (None,)


@pytest.mark.parametrize(
    "url", ["nonsense s3cret", "postgresql://user:s3cret@:x/y", "postgresql://u:s3cret@127.0.0.1:1/y"]
)
def test_no_secret_is_ever_shown(examined, url):
    findings, _ = examined(source_url=url, catalog_url=url)
    assert "source" in wrong(findings)
    assert "catalog" in wrong(findings)
    assert not [finding for finding in findings.values() if "s3cret" in finding.found]


def test_settings_that_can_not_be_read_are_the_first_thing_wrong():
    def load():
        msg = "settings: 1 wrong"
        raise SettingsError(msg)

    findings = list(examine(load))
    assert [finding.check for finding in findings if not finding.is_well] == ["settings"]
    assert exit_code(findings) == EX_DATAERR


def test_the_command_tells_people_and_programs_the_same(running, project, monkeypatch):
    monkeypatch.setenv("CALVE_STATE", str(running.state.root))
    monkeypatch.setenv("CALVE_PROJECT", str(project))
    shown = CliRunner().invoke(doctor, [])
    assert (shown.exit_code, "wrong" in shown.output) == (0, False)
    told = json.loads(CliRunner().invoke(doctor, ["--json"]).output)
    assert [line.split(":")[0].split(maxsplit=1)[1] for line in shown.output.splitlines()] == [
        one["check"] for one in told
    ]
