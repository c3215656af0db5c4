"""The kubernetes client, pointed at one server, with calve's kind of objects at hand."""

import json

import kubernetes
from kubernetes.client.rest import ApiException

GROUP, VERSION, PLURAL = "sparkoperator.k8s.io", "v1beta2", "sparkapplications"
MERGE, STEPS, STRATEGIC = (
    f"application/{word}+json" for word in ("merge-patch", "json-patch", "strategic-merge-patch")
)


def application(name, **labels):
    spec = {"type": "Python", "sparkVersion": "3.5.9", "mainApplicationFile": "local:///main.py", "arguments": []}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "SparkApplication",
        "metadata": {"name": name, "labels": labels},
        "spec": {**spec, "driver": {}, "executor": {}},
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

    def __init__(self, client, namespace):
        self.api = kubernetes.client.CustomObjectsApi(client)
        self.kind = (GROUP, VERSION, namespace, PLURAL)

    def create(self, body, **more):
        return self.api.create_namespaced_custom_object(*self.kind, body, **more)

    def get(self, name):
        return self.api.get_namespaced_custom_object(*self.kind, name)

    def list(self, **more):
        return self.api.list_namespaced_custom_object(*self.kind, **more)

    def names(self, **more):
        return [each["metadata"]["name"] for each in self.list(**more)["items"]]

    def replace(self, name, body):
        return self.api.replace_namespaced_custom_object(*self.kind, name, body)

    def patch(self, name, body, kind=MERGE):
        return self.api.patch_namespaced_custom_object(*self.kind, name, body, _content_type=kind)

    def patch_status(self, name, body):
        return self.api.patch_namespaced_custom_object_status(*self.kind, name, body, _content_type=MERGE)

    def delete(self, name, **body):
        return self.api.delete_namespaced_custom_object(*self.kind, name, body=body or None)

    def watch(self, **more):
        watch = kubernetes.watch.Watch()
        return watch.stream(self.api.list_namespaced_custom_object, *self.kind, **more)


class Core(kubernetes.client.CoreV1Api):
    """`CoreV1Api`, and what tests ask often, in one namespace."""

    def __init__(self, client, namespace):
        super().__init__(client)
        self.namespace = namespace

    def create(self, body):
        return self.create_namespaced_pod(self.namespace, body)

    def pod(self, name):
        return self.read_namespaced_pod(name, self.namespace)

    def pods(self, **more):
        return [each.metadata.name for each in self.list_namespaced_pod(self.namespace, **more).items]

    def events(self, **more):
        return self.list_namespaced_event(self.namespace, **more).items

    def log(self, name, **more):
        """Return a pod's log; raw, because client 36.0 makes its repr of it (kubernetes-client/python#2596)."""
        asked = {**more, "_preload_content": False}
        return self.read_namespaced_pod_log(name, self.namespace, **asked).data.decode()


class Clients:
    """The clients of one server."""

    def __init__(self, kubeconfig, namespace):
        self.client = kubernetes.config.new_client_from_config(str(kubeconfig))
        self.applications, self.core = Applications(self.client, namespace), Core(self.client, namespace)

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


def brief(event):
    """Return what an event says, in two or three words."""
    state = event["object"].get("status", {}).get("applicationState", {}).get("state")
    found = [event["type"], event["object"]["metadata"].get("name")]
    return tuple(found + ([state] if state else []))


def state(server, name):
    return server.play.application(name).get("status", {}).get("applicationState", {}).get("state", "")
