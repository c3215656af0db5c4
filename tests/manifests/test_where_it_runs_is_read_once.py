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
