"""The kubernetes client, pointed at one server, with calve's kind of objects at hand."""

import json

import kubernetes
from kubernetes.client.rest import ApiException

NAMESPACE = "calve"
KIND = ("sparkoperator.k8s.io", "v1beta2", NAMESPACE, "sparkapplications")


def application(name, **labels):
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "SparkApplication",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"type": "Python", "mainApplicationFile": "local:///main.py", "arguments": [], "driver": {}},
    }


def pod(name, *command, **labels):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "calve", "image": "calve", "command": list(command)}]},
    }


class Applications:
    """`CustomObjectsApi` for one kind and namespace."""

    def __init__(self, client):
        self.api = kubernetes.client.CustomObjectsApi(client)

    def create(self, body, **more):
        return self.api.create_namespaced_custom_object(*KIND, body, **more)

    def get(self, name):
        return self.api.get_namespaced_custom_object(*KIND, name)

    def list(self, **more):
        return self.api.list_namespaced_custom_object(*KIND, **more)

    def names(self, **more):
        return [each["metadata"]["name"] for each in self.list(**more)["items"]]

    def delete(self, name, **body):
        return self.api.delete_namespaced_custom_object(*KIND, name, body=body or None)

    def watch(self, **more):
        watch = kubernetes.watch.Watch()
        return watch.stream(self.api.list_namespaced_custom_object, *KIND, **more)


class Clients:
    """The clients of one server."""

    def __init__(self, kubeconfig):
        self.client = kubernetes.config.new_client_from_config(str(kubeconfig))
        self.applications, self.core = Applications(self.client), kubernetes.client.CoreV1Api(self.client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()


def refusal(action, *given, **more):
    """Return the Status that an action is refused with."""
    try:
        action(*given, **more)
    except ApiException as error:
        return json.loads(error.body)
    msg = "it was not refused"
    raise AssertionError(msg)


def log(core, name, **more):
    """Return a pod's log; the raw answer, because client 36.0 makes its repr of it (kubernetes-client/python#2596)."""
    return core.read_namespaced_pod_log(name, NAMESPACE, _preload_content=False, **more).data.decode()


def brief(event):
    """Return what an event says, in two or three words."""
    state = event["object"].get("status", {}).get("applicationState", {}).get("state")
    found = [event["type"], event["object"]["metadata"].get("name")]
    return tuple(found + ([state] if state else []))


def state(server, name):
    return server.play.application(name).get("status", {}).get("applicationState", {}).get("state", "")
