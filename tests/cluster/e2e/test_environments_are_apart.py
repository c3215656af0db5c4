import json

import pytest
from proven import DEV, PROD, prove

pytestmark = pytest.mark.timeout(3600)
ACCOUNTS = ("calve-airflow", "calve-spark")


def rights(dev, account, namespace):
    who = f"--as=system:serviceaccount:{DEV}:{account}"
    return dev.cluster.commands.kubectl("auth", "can-i", "--list", "-n", namespace, who)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_of_dev_has_no_right_in_prod(dev, account):
    assert rights(dev, account, PROD) == rights(dev, "nobody", PROD)
    assert rights(dev, account, DEV) != rights(dev, "nobody", DEV)
    prove(f"{account} of {DEV} has no right in {PROD}")


def test_a_privileged_pod_is_refused(dev):
    container = {"name": "one", "image": dev.cluster.images["spark"], "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "privileged"}, "spec": {"containers": [container]}}

    with pytest.raises(RuntimeError, match='violates PodSecurity "restricted'):
        dev.cluster.commands.kubectl("create", "-n", DEV, "-f", "-", given=json.dumps(pod))
