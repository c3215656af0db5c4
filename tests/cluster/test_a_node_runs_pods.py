import pytest

from cluster.node import Node


@pytest.fixture(scope="module")
def node(node_parts, tmp_path_factory):
    """A node that runs."""
    found = Node(tmp_path_factory.mktemp("node"), *node_parts)
    try:
        found.start()
        yield found
    finally:
        found.stop()


def test_what_a_pod_says_is_read_through_the_api_server(node):
    assert "CoreDNS-1.14.3" in node.commands.kubectl("logs", "-n", "kube-system", "deploy/coredns")


def test_a_pod_is_reached_from_this_machine(node):
    (pod,) = node.commands.get("pods", "-n", "kube-system")["items"]
    assert pod["status"]["podIP"].startswith("10.244.0.")
    answer = node.commands.kubectl(
        "get", "--raw", f"/api/v1/namespaces/kube-system/pods/{pod['metadata']['name']}:8181/proxy/ready"
    )
    assert answer == "OK"


def test_every_request_of_a_service_account_is_in_the_audit_log(node):
    told = (node.folder / "audit.log").read_text()
    assert '"username":"system:serviceaccount:kube-system:coredns"' in told


def test_a_second_one_on_this_machine_is_refused(node, node_parts, tmp_path):
    with pytest.raises(RuntimeError, match="one at a time"):
        Node(tmp_path, *node_parts)
