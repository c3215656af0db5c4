"""The addresses of the API: what each means, and the answer in the real server's shape."""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from calve.standin.kubernetes import reading, watching
from calve.standin.kubernetes.changes import create, replace
from calve.standin.kubernetes.logs import Logs
from calve.standin.kubernetes.patching import patched
from calve.standin.kubernetes.refusals import RefusedError, bad_request
from calve.standin.kubernetes.removal import Removal
from calve.standin.kubernetes.resources import PODS, Object, Resource, discovery, find, groups
from calve.standin.kubernetes.selection import selection
from calve.standin.kubernetes.store import Store

VERSION = {"major": "1", "minor": "34", "gitVersion": "v1.34.4", "platform": "stand-in"}
ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Api:
    """Answers requests from the store.

    Attributes:
        bookmark_seconds: How often a watch that allows bookmarks gets one.
    """

    def __init__(self, store: Store, logs: Logs, removal: Removal) -> None:
        self.store, self.logs, self.removal = store, logs, removal
        self.streams = watching.Streams(store.ring)
        self.bookmark_seconds = 60.0

    def application(self) -> Starlette:
        """Return the API as an ASGI application."""
        routes = [
            *(Route(path, _well) for path in ("/healthz", "/livez", "/readyz")),
            Route("/version", lambda request: JSONResponse(VERSION)),
            Route("/api", _versions),
            Route("/apis", lambda request: JSONResponse(groups())),
        ]
        for root in ("/api/{version}", "/apis/{group}/{version}"):
            place = root + "/namespaces/{namespace}/{plural}"
            routes += [
                Route(root, _resources),
                Route(place, self._collection, methods=ALL),
                Route(place + "/{name}", self._object, methods=ALL),
                Route(place + "/{name}/{subresource}", self._subresource, methods=ALL),
            ]
        return Starlette(routes=routes, exception_handlers={RefusedError: _refused, 404: _no_page})

    async def _collection(self, request: Request) -> Response:
        resource, namespace = _meant(request), request.path_params["namespace"]
        if request.method == "POST":
            return JSONResponse(create(self.store, resource, namespace, await _body(request)), 201)
        if request.method != "GET":
            raise _not_supported(resource)
        query = request.query_params
        matches = selection(resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        if query.get("watch", "").lower() in ("true", "1"):
            watched = watching.Watched(
                resource=resource,
                namespace=namespace,
                matches=matches,
                version=_number(query.get("resourceVersion", "")) or None,
                seconds=_number(query.get("timeoutSeconds", "")) or None,
                bookmark_seconds=self.bookmark_seconds
                if query.get("allowWatchBookmarks", "").lower() == "true"
                else None,
            )
            stream = watching.events(self.store, self.streams, watched)
            return StreamingResponse(stream, media_type="application/json")
        found, version = self.store.listed(resource, namespace)
        items = [each for each in found if matches(each)]
        listed = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
        return JSONResponse({**listed, "metadata": {"resourceVersion": str(version)}, "items": items})

    async def _object(self, request: Request) -> Response:
        resource, place = _meant(request), (request.path_params["namespace"], request.path_params["name"])
        if request.method == "GET":
            return JSONResponse(self.store.get(resource, *place))
        if request.method == "DELETE":
            found, gone = self.removal.delete(resource, place, await _delete_options(request))
            # Of all kinds only pods come back whole when they are gone; the others leave a Status.
            return JSONResponse(_success(resource, found) if gone and resource is not PODS else found)
        return await self._change(request, resource, place)

    async def _change(self, request: Request, resource: Resource, place: tuple[str, str]) -> Response:
        if request.method not in ("PUT", "PATCH"):
            raise _not_supported(resource)
        body, kind = await _body(request), request.headers.get("content-type", "")

        def build(now: Object) -> Object:
            return body if request.method == "PUT" else patched(resource, kind, body, now)

        subresource = request.path_params.get("subresource", "")
        with self.store.lock:
            found = replace(self.store, resource, place, build, subresource)
            self.removal.release(resource, found)
        return JSONResponse(found)

    async def _subresource(self, request: Request) -> Response:
        resource, place = _meant(request), (request.path_params["namespace"], request.path_params["name"])
        subresource = request.path_params["subresource"]
        if subresource == "status" and resource.has_status:
            if request.method == "GET":
                return JSONResponse(self.store.get(resource, *place))
            return await self._change(request, resource, place)
        if subresource == "log" and resource is PODS and request.method == "GET":
            pod, asked = self.store.get(PODS, *place), reading.Asked.of(dict(request.query_params))
            if not reading.check(pod, asked):
                return Response(status_code=204)
            stream = reading.lines(self.store, self.logs, self.streams, pod, asked)
            return StreamingResponse(stream, media_type="text/plain")
        raise _no_resource()


def _meant(request: Request) -> Resource:
    path = request.path_params
    found = find(path.get("group", ""), path["version"], path["plural"])
    if found is None:
        raise _no_resource()
    return found


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"null")
    except ValueError as error:
        msg = f"the object provided is unrecognized: {error}"
        raise bad_request(msg) from error


async def _delete_options(request: Request) -> dict[str, Any]:
    # Like the real server: beside a body, nothing of the query is read.
    if options := await _body(request):
        return dict(options)
    query = request.query_params
    found: dict[str, Any] = {}
    if "gracePeriodSeconds" in query:
        found["gracePeriodSeconds"] = _number(query["gracePeriodSeconds"])
    if "propagationPolicy" in query:
        found["propagationPolicy"] = query["propagationPolicy"]
    return found


def _number(text: str) -> int:
    if text and not text.isdecimal():
        msg = f'invalid value "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(msg)
    return int(text or 0)


def _success(resource: Resource, found: Object) -> Object:
    details = {"name": found["metadata"]["name"], "group": resource.group, "kind": resource.plural}
    details["uid"] = found["metadata"]["uid"]
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _not_supported(resource: Resource) -> RefusedError:
    return RefusedError(405, "MethodNotAllowed", f"the server does not allow this method on {resource.qualified}")


def _no_resource() -> RefusedError:
    return RefusedError(404, "NotFound", "the server could not find the requested resource")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return JSONResponse(error.status, error.code)


async def _no_page(request: Request, error: Exception) -> Response:
    return PlainTextResponse("404 page not found\n", 404)


def _well(request: Request) -> Response:
    return PlainTextResponse("ok")


def _versions(request: Request) -> Response:
    return JSONResponse({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})


def _resources(request: Request) -> Response:
    return JSONResponse(discovery(request.path_params.get("group", ""), request.path_params["version"]))
