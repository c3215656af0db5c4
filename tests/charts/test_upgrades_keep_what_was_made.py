import json

import pytest

DEVELOPMENT = {"development": {"enabled": True}}
MADE = ("calve-airflow-keys", "calve-dev", "calve-secrets", "calve-airflow")


@pytest.fixture
def namespace(installing):
    """A release whose secrets are all made by the chart."""
    found = installing.namespace(secrets=())
    installing.install(found, DEVELOPMENT)
    return found


def secrets(installing, namespace):
    return {name: installing.data(namespace, name) for name in MADE}


def jobs(installing, namespace):
    return [name for name in installing.names(namespace, "jobs") if name.startswith("calve-migrate-")]


def test_an_upgrade_and_a_rollback_keep_generated_secrets(installing, namespace):
    before = secrets(installing, namespace)
    installing.install(namespace, {**DEVELOPMENT, "settings": {"leaseSeconds": 90}})
    upgraded = secrets(installing, namespace)
    assert installing.helm("rollback", "calve", "1", "-n", namespace).returncode == 0

    assert upgraded == before
    assert secrets(installing, namespace) == before
    assert all(before[name] for name in MADE)


def test_an_upgrade_that_changes_nothing_starts_no_pod_and_no_migration(installing, namespace):
    before = templates(installing, namespace)
    migrated = jobs(installing, namespace)
    installing.install(namespace, DEVELOPMENT)

    assert templates(installing, namespace) == before
    assert jobs(installing, namespace) == migrated


def test_another_image_is_another_migration_instead_of_the_first(installing, namespace):
    (first,) = jobs(installing, namespace)
    installing.install(namespace, {**DEVELOPMENT, "images": {"airflow": {"tag": "b3"}}})
    (second,) = jobs(installing, namespace)

    assert first != second


@pytest.mark.parametrize(
    ("values", "started"),
    [
        pytest.param({"airflow": {"parallelism": 3}}, {"calve-api-server", "calve-scheduler"}, id="of Airflow"),
        pytest.param({"spark": {"localDirSize": "3Gi"}}, {"calve-api-server", "calve-scheduler"}, id="of applications"),
        pytest.param({"settings": {"leaseSeconds": 90}}, {"calve-dev-snowflake"}, id="of the lake"),
    ],
)
def test_a_changed_setting_starts_the_pods_that_read_it(installing, namespace, values, started):
    before = templates(installing, namespace)
    installing.install(namespace, {**DEVELOPMENT, **values})
    after = templates(installing, namespace)

    assert started <= {name for name in after if after[name] != before[name]}


def test_a_secret_that_somebody_replaced_starts_airflow_at_the_next_upgrade(installing):
    namespace = installing.namespace()
    installing.install(namespace)
    before = templates(installing, namespace)
    patch = json.dumps({"stringData": {"CALVE_CATALOG_URL": "y"}})
    installing.kubectl("patch", "secret", "calve-airflow", "-n", namespace, "-p", patch)
    installing.install(namespace)

    assert {name for name, each in templates(installing, namespace).items() if each == before[name]} == set()


def test_a_new_person_gets_a_password_and_the_others_keep_theirs(installing, namespace):
    before = passwords(installing, namespace)
    installing.install(namespace, {**DEVELOPMENT, "airflow": {"users": {"ann": "viewer"}}})
    after = passwords(installing, namespace)

    assert set(after) == {"admin", "ann"}
    assert after["admin"] == before["admin"]


def test_an_uninstall_leaves_what_cannot_be_made_again(installing, namespace):
    before = secrets(installing, namespace)
    assert installing.helm("uninstall", "calve", "-n", namespace).returncode == 0
    left = secrets(installing, namespace)
    gone = installing.names(namespace, "deployments,jobs,services,configmaps,roles,networkpolicies")
    installing.install(namespace, DEVELOPMENT)

    assert left == before
    assert [name for name in gone if name.startswith("calve")] == []
    assert secrets(installing, namespace) == before


def passwords(installing, namespace):
    return json.loads(installing.data(namespace, "calve-airflow-keys")["passwords.json"])


def templates(installing, namespace):
    done = installing.kubectl("get", "deployments,statefulsets", "-n", namespace, "-o", "json")
    return {each["metadata"]["name"]: each["spec"]["template"] for each in json.loads(done.stdout)["items"]}
