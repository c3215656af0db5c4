import shutil

import pytest

from calve.errors import LakeLostError, LocalEngineError
from calve.standin.local import engine, postgres
from calve.standin.local.consistency import check_local_state

pytestmark = pytest.mark.local

START_ANEW = "calve local down --wipe && calve local up"


def test_a_whole_engine_passes(running):
    check_local_state(running.settings())
    assert engine.status(running.state).lake == "ok"


def test_objects_lost_under_a_catalog_stop_everything_until_started_anew(laptop):
    laptop.up()
    laptop.make_lake()
    laptop.kill("s3")
    assert laptop.words()["s3"] == "crashed"
    with pytest.raises(LakeLostError, match=START_ANEW):
        check_local_state(laptop.settings())
    for _ in range(2):
        with pytest.raises(LakeLostError, match=START_ANEW):
            laptop.up()
    with pytest.raises(LakeLostError, match=START_ANEW):
        check_local_state(laptop.settings())
    assert START_ANEW in engine.status(laptop.state).lake
    laptop.down(wipe=True)
    assert laptop.up().is_well


def test_a_lost_store_of_an_empty_catalog_is_made_anew(laptop):
    laptop.up()
    laptop.kill("s3")
    with pytest.raises(LocalEngineError, match="calve local up"):
        check_local_state(laptop.settings())
    assert laptop.up().is_well
    check_local_state(laptop.settings())


def test_a_crashed_postgres_keeps_the_lake(laptop):
    laptop.up()
    laptop.make_lake()
    laptop.kill("postgres")
    assert laptop.words()["postgres"] == "crashed"
    with pytest.raises(LocalEngineError, match=r"PostgreSQL.*calve local up"):
        check_local_state(laptop.settings())
    assert laptop.up().is_well
    check_local_state(laptop.settings())


def test_objects_of_a_lost_catalog_are_not_taken_for_the_new_ones(laptop):
    laptop.up()
    laptop.kill("postgres")
    shutil.rmtree(postgres.home(laptop.state) / "data")
    with pytest.raises(LakeLostError, match=START_ANEW):
        laptop.up()
    laptop.down(wipe=True)
    assert laptop.up().is_well


def test_lost_passwords_are_said(laptop):
    laptop.up()
    laptop.state.settings_file.unlink()
    with pytest.raises(LocalEngineError, match=f"settings.json with its passwords is gone.*{START_ANEW}"):
        laptop.up()
    assert sorted(laptop.down(wipe=True)) == ["postgres", "s3", "snowflake"]
    assert laptop.up().is_well


def test_settings_that_are_not_of_a_local_engine_are_let_pass(running, tmp_path):
    check_local_state(running.settings().model_copy(update={"state": tmp_path}))
    check_local_state(running.settings().model_copy(update={"profile": "cluster", "s3_endpoint": "http://127.0.0.1:1"}))
