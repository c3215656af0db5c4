import pytest

from calve.errors import LakeLostError, SettingsError
from calve.standin.local import store
from calve.standin.local.processes import start, stop, wait_ready
from calve.standin.local.state import State

pytestmark = pytest.mark.local


@pytest.fixture
def given(tmp_path, laptop, free_port):
    """A store that somebody else started, and a laptop that is told to use it."""
    state = State(tmp_path)
    part = store.part(free_port)
    recorded = start(part, state)
    endpoint = f"http://127.0.0.1:{free_port}"
    wait_ready(part, recorded, state=state, ready=lambda: store.answers(endpoint))
    laptop.environ |= {
        "CALVE_S3_ENDPOINT": endpoint,
        "CALVE_S3_ACCESS_KEY_ID": "mine",
        "CALVE_S3_SECRET_ACCESS_KEY": "secret",
    }
    yield store.client({name.removeprefix("CALVE_").lower(): value for name, value in laptop.environ.items()} | REGION)
    laptop.down(wipe=True)
    stop(recorded, part.stop_signal)


REGION = {"s3_region": "us-east-1"}


def keys(s3):
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="calve-lake").get("Contents", [])]


def test_no_store_of_our_own_is_started(given, laptop):
    assert laptop.up().is_well
    assert laptop.words()["s3"] == "given"
    assert "s3" not in laptop.state.processes()
    assert keys(given) == [store.MARKER]


def test_it_is_remembered_without_the_variables(given, laptop):
    laptop.up()
    laptop.environ = {name: value for name, value in laptop.environ.items() if "_S3_" not in name}
    assert laptop.up().is_well
    assert laptop.words()["s3"] == "given"


def test_wipe_removes_our_lake_and_nothing_else(given, laptop):
    laptop.up()
    given.put_object(Bucket="calve-lake", Key="lake/dim_facility/data.parquet", Body=b"ours")
    given.put_object(Bucket="calve-lake", Key="holiday.jpg", Body=b"not ours")
    laptop.down(wipe=True)
    assert keys(given) == ["holiday.jpg"]
    assert laptop.up().is_well


def test_a_bucket_of_another_engine_is_refused_and_never_emptied(given, laptop):
    store.make_bucket(given, "calve-lake", "another engine")
    given.put_object(Bucket="calve-lake", Key="lake/theirs.parquet", Body=b"theirs")
    with pytest.raises(LakeLostError, match="belongs to the engine another engine"):
        laptop.up()
    laptop.down(wipe=True)
    assert keys(given) == [store.MARKER, "lake/theirs.parquet"]


def test_a_store_without_its_credentials_is_refused_by_name(laptop):
    laptop.environ["CALVE_S3_ENDPOINT"] = "http://127.0.0.1:1"
    with pytest.raises(SettingsError, match="CALVE_S3_ACCESS_KEY_ID, CALVE_S3_SECRET_ACCESS_KEY not set"):
        laptop.up()
