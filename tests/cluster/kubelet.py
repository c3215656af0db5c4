"""A kubelet that runs nothing: it serves the logs that tests write, and confirms that deleted pods are gone.

The API server reaches it over TLS at the node's address, so a log takes the way that it takes in a real cluster.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from calve.standin.kubernetes.logs import Logs
from calve.standin.kubernetes.operating import NODE
from calve.standin.kubernetes.reading import Asked, check, lines
from calve.standin.kubernetes.refusals import RefusedError
from calve.standin.kubernetes.resources import Object, Resource
from calve.standin.kubernetes.watching import Streams
from cluster.control_plane import ControlPlane
from cluster.keys import LOCALHOST, write_pair
from unused_ports import free_ports

PODS = "/api/v1/pods"
GONE_SECONDS = 0.2


class Kubelet:
    """The node `stand-in`.

    Attributes:
        held: Pods, by uid, whose end it does not confirm.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._pods: dict[tuple[str, str], Object] = {}
        self._listeners: list[Callable[[], None]] = []
        self._over = threading.Event()
        self.held: set[str] = set()
        self.logs = Logs(self.ring)
        self._streams = Streams(self.ring)
        (self._port,) = free_ports(1)

    def start(self) -> None:
        """Register the node, serve, and follow its pods."""
        key, certificate = write_pair(self._plane.folder, "kubelet")
        route = Route("/containerLogs/{namespace}/{pod}/{container}", self._log)
        served = uvicorn.Config(
            Starlette(routes=[route]),
            host=LOCALHOST,
            port=self._port,
            ssl_keyfile=str(key),
            ssl_certfile=str(certificate),
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(served)
        with self._plane.client() as client:
            _register(client, self._port)
        for work in (self._server.run, self._follow):
            threading.Thread(target=work, name="kubelet", daemon=True).start()

    def stop(self) -> None:
        """Serve and follow no more."""
        self._over.set()
        self._server.should_exit = True

    def find(self, _: Resource, namespace: str, name: str) -> Object | None:
        """Return a pod as this node knows it."""
        return self._pods.get((namespace, name))

    @contextmanager
    def listening(self, heard: Callable[[], None]) -> Iterator[None]:
        """Call `heard` whenever a pod changed or wrote something."""
        self._listeners.append(heard)
        try:
            yield
        finally:
            self._listeners.remove(heard)

    def ring(self) -> None:
        """Wake everybody who listens."""
        for heard in list(self._listeners):
            heard()

    async def _log(self, request: Request) -> Response:
        place, query = request.path_params, dict(request.query_params)
        pod = self._pods[place["namespace"], place["pod"]]
        asked = Asked.of({**query, "container": place["container"]})
        try:
            check(pod, asked)
        except RefusedError as refused:
            return PlainTextResponse(str(refused), refused.code)
        return StreamingResponse(lines(self, self.logs, self._streams, pod, asked), media_type="text/plain")

    def _follow(self) -> None:
        with self._plane.client() as client:
            while not self._over.is_set():
                try:
                    self._list_and_watch(client)
                except (httpx.TransportError, httpx.HTTPStatusError, ssl.SSLError, KeyError):
                    # The API server is away, or its history is over: everything is listed anew.
                    self._over.wait(GONE_SECONDS)

    def _list_and_watch(self, client: httpx.Client) -> None:
        mine = {"fieldSelector": f"spec.nodeName={NODE}"}
        listed = client.get(PODS, params=mine).raise_for_status().json()
        self._pods = {_place(each): each for each in listed["items"]}
        for pod in listed["items"]:
            self._take(client, "ADDED", pod)
        asked = {**mine, "watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"]}
        with client.stream("GET", PODS, params=asked, timeout=None) as answer:
            for line in answer.iter_lines():
                event = json.loads(line)
                self._take(client, event["type"], event["object"])
                if self._over.is_set():
                    return

    def _take(self, client: httpx.Client, what: str, pod: Object) -> None:
        if what == "DELETED":
            self._pods.pop(_place(pod), None)
        else:
            self._pods[_place(pod)] = pod
        self.ring()
        metadata = pod["metadata"]
        if what != "DELETED" and metadata.get("deletionTimestamp") and metadata["uid"] not in self.held:
            confirm_gone(client, pod)


def confirm_gone(client: httpx.Client, pod: Object) -> None:
    """Say that a pod's containers have ended, as the kubelet does, by a deletion without grace."""
    namespace, name = _place(pod)
    body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
    client.request("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}", json=body)


def _place(pod: Object) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _register(client: httpx.Client, port: int) -> None:
    node = {"metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}}}
    client.post("/api/v1/nodes", json=node).raise_for_status()
    status = {
        "addresses": [{"type": "InternalIP", "address": LOCALHOST}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
    }
    kind = {"Content-Type": "application/merge-patch+json"}
    patch = json.dumps({"status": status})
    client.patch(f"/api/v1/nodes/{NODE}/status", content=patch, headers=kind).raise_for_status()
