import pytest

from calve.errors import SettingsError
from calve.kubernetes.deployment import load_deployment

GIVEN = {"NAMESPACE": "lake-dev", "IMAGE": "registry.example.org/spark:1"}


@pytest.fixture
def given(monkeypatch):
    def give(**values):
        for name, value in (GIVEN | values).items():
            monkeypatch.setenv(f"CALVE_KUBERNETES_{name}", value)

    return give


def test_lists_are_separated_by_commas(given):
    given(SECRETS="calve-secrets, aws-keys,", CONFIG_MAPS="")

    found = load_deployment()

    assert found.secrets == ("calve-secrets", "aws-keys")
    assert found.config_maps == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NAMESPACE", "Lake_Dev"),
        ("IMAGE", ""),
        ("IMAGE", "spark 3.5"),
        ("IMAGE_PULL_POLICY", "Sometimes"),
        ("SERVICE_ACCOUNT", "calve spark"),
        ("SECRETS", "calve-secrets,CALVE_KEYS"),
        ("LOCAL_DIR_SIZE", "20 GB"),
    ],
)
def test_what_no_cluster_takes_is_refused_by_name(given, name, value):
    given(**{name: value})

    with pytest.raises(SettingsError, match=rf"CALVE_KUBERNETES_{name}"):
        load_deployment()


def test_all_that_lacks_is_told_at_once():
    with pytest.raises(SettingsError) as caught:
        load_deployment()

    assert "settings: 2 wrong" in str(caught.value)
    assert "CALVE_KUBERNETES_NAMESPACE" in str(caught.value)
    assert "CALVE_KUBERNETES_IMAGE" in str(caught.value)


@pytest.mark.parametrize("folder", ["", "s3a://logs/spark", "file:relative"])
def test_a_volume_for_the_event_log_needs_a_folder_to_be_mounted_at(given, folder):
    given(EVENT_LOG_CLAIM="calve-spark-history", EVENT_LOG_DIR=folder)

    with pytest.raises(SettingsError, match="event_log_claim: found event_log_dir"):
        load_deployment()


def test_the_volume_for_the_event_log_is_mounted_where_it_is_written(given):
    given(EVENT_LOG_CLAIM="calve-spark-history", EVENT_LOG_DIR="file:///var/spark-events")

    assert load_deployment().event_log_mount == "/var/spark-events"
