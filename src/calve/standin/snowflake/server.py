"""The HTTP routes that the connector calls, and three of our own: /health and /_faults.

A request id is answered once: the connector repeats a request whose reply was lost, and gets the stored reply
instead of a second execution. Statements run in threads; one session runs one statement at a time.
"""

import gzip
import json
import logging
import uuid
from typing import Any

from fakesnow.converter import from_binding
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from calve.standin.snowflake import VERSION, failures, statements
from calve.standin.snowflake.engine import Engine
from calve.standin.snowflake.faults import Faults
from calve.standin.snowflake.login import log_in
from calve.standin.snowflake.session import Session
from calve.standin.snowflake.statements.context import Context
from calve.standin.snowflake.store import Store
from calve.standin.snowflake.wire import encoded

logger = logging.getLogger(__name__)

_ANSWERS_KEPT = 4


class Server:
    """The stand-in behind its routes."""

    def __init__(self, store: Store, engine: Engine, password: str | None) -> None:
        self._store = store
        self._engine = engine
        self._password = password
        self._sessions: dict[str, Session] = {}
        self._faults = Faults()

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/session/v1/login-request", self._login, methods=["POST"]),
                Route("/session", self._session, methods=["POST"]),
                Route("/session/heartbeat", self._done, methods=["POST"]),
                Route("/telemetry/send", self._done, methods=["POST"]),
                Route("/queries/v1/query-request", self._query, methods=["POST"]),
                Route("/queries/v1/abort-request", self._done, methods=["POST"]),
                Route("/health", self._health, methods=["GET"]),
                Route("/_faults", self._change_faults, methods=["GET", "POST", "DELETE"]),
            ]
        )

    async def _login(self, request: Request) -> Response:
        body = await _body(request)
        try:
            session = await run_in_threadpool(
                log_in, body, dict(request.query_params), self._store, self._engine, self._password
            )
        except failures.LoginError as error:
            return JSONResponse(_failed(error.code, error.message))
        except failures.SqlError as error:
            return JSONResponse(_failed("390101", error.message))
        self._sessions[session.token] = session
        logger.info("logged in", extra={"user": session.user, "role": session.role})
        data = {
            "token": session.token,
            "masterToken": session.token,
            "validityInSeconds": 3600 * 24,
            "masterValidityInSeconds": 3600 * 24,
            "displayUserName": session.user,
            "serverVersion": VERSION,
            "sessionId": uuid.uuid5(uuid.NAMESPACE_OID, session.token).int >> 80,
            "parameters": [
                {"name": "AUTOCOMMIT", "value": True},
                {"name": "TIMEZONE", "value": "UTC"},
                {"name": "CLIENT_TELEMETRY_ENABLED", "value": False},
                {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0},
            ],
            "sessionInfo": _where(session, "databaseName", "schemaName", "warehouseName", "roleName"),
        }
        return JSONResponse({"data": data, "code": None, "message": None, "success": True})

    async def _session(self, request: Request) -> Response:
        token = _token(request)
        if request.query_params.get("delete") and (session := self._sessions.pop(token, None)) is not None:
            await run_in_threadpool(_close, session)
        return JSONResponse({"data": None, "code": None, "message": None, "success": True})

    async def _done(self, request: Request) -> Response:
        if request.url.path == "/session/heartbeat" and _token(request) not in self._sessions:
            return JSONResponse(_failed("390104", "Session no longer exists. New login required."))
        return JSONResponse({"data": None, "code": None, "message": None, "success": True})

    async def _query(self, request: Request) -> Response:
        session = self._sessions.get(_token(request))
        if session is None:
            return JSONResponse(_failed("390104", "Session no longer exists. New login required."))
        body = await _body(request)
        request_id = request.query_params.get("requestId", str(uuid.uuid4()))
        fault = self._faults.strike(str(body.get("sqlText", "")), request_id)
        if fault == "failed":
            text = "SQL execution internal error:\nProcessing aborted by error 300010:391167117; incident 1."
            return JSONResponse(_sql_failed(failures.SqlError(603, "XX000", text), str(uuid.uuid4())))
        if fault != "dropped":
            reply = await run_in_threadpool(self._answer, session, body, request_id)
        if fault is not None:
            request.scope["calve.transport"].abort()
            return Response(status_code=503)
        return JSONResponse(reply)

    def _answer(self, session: Session, body: dict[str, Any], request_id: str) -> dict[str, Any]:
        with session.lock:
            if (stored := session.answers.get(request_id)) is not None:
                return stored
            reply = self._execute(session, body)
            session.answers[request_id] = reply
            while len(session.answers) > _ANSWERS_KEPT:
                session.answers.pop(next(iter(session.answers)))
            return reply

    def _execute(self, session: Session, body: dict[str, Any]) -> dict[str, Any]:
        query_id = str(uuid.uuid4())
        try:
            _refuse_ways(body)
            context = Context(self._store, session, query_id, _parameters(body.get("bindings")))
            fields = encoded(statements.run(str(body.get("sqlText", "")), context))
        except failures.SqlError as error:
            logger.info("statement failed", extra={"errno": error.errno, "query_id": query_id})
            return _sql_failed(error, query_id)
        except Exception:
            logger.exception("statement broke the stand-in: %s", body.get("sqlText"))
            broken = failures.SqlError(603, "XX000", f"calve stand-in: internal error in query {query_id}; see its log")
            return _sql_failed(broken, query_id)
        session.last_query_id = query_id
        data = {
            "queryId": query_id,
            "sqlState": "00000",
            "parameters": [{"name": "TIMEZONE", "value": "UTC"}],
            **fields,
            **_where(session, "finalDatabaseName", "finalSchemaName", "finalWarehouseName", "finalRoleName"),
        }
        return {"data": data, "code": None, "message": None, "success": True}

    async def _health(self, request: Request) -> Response:
        del request
        state = self._store.current
        return JSONResponse({"status": "ok", "version": VERSION, "state": state.version, "state_id": self._store.id})

    async def _change_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
        if request.method == "POST":
            try:
                self._faults.add(await request.json())
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"faults": self._faults.listed()})


def _refuse_ways(body: dict[str, Any]) -> None:
    for way in ("describeOnly", "asyncExec"):
        if body.get(way):
            raise failures.not_modelled(what=f"requests with {way}")


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        raw = gzip.decompress(raw)
    found: dict[str, Any] = json.loads(raw or b"{}")
    return found


def _parameters(bindings: dict[str, Any] | None) -> list[Any] | None:
    if not bindings:
        return None
    if any(not key.isdigit() or isinstance(value.get("value"), list) for key, value in bindings.items()):
        raise failures.not_modelled(what="named bindings and array bindings")
    ordered = sorted(bindings.items(), key=lambda pair: int(pair[0]))
    return [None if entry["value"] is None else from_binding(entry) for _, entry in ordered]


def _where(session: Session, *names: str) -> dict[str, str | None]:
    return dict(zip(names, (session.database, session.schema, session.warehouse, session.role), strict=True))


def _close(session: Session) -> None:
    with session.lock:
        session.worker.close()


def _token(request: Request) -> str:
    return request.headers.get("Authorization", "").removeprefix('Snowflake Token="').rstrip('"')


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"data": {"nextAction": "RETRY_LOGIN"}, "code": code, "message": message, "success": False}


def _sql_failed(error: failures.SqlError, query_id: str) -> dict[str, Any]:
    code = f"{error.errno:06d}"
    data = {"errorCode": code, "sqlState": error.sqlstate, "queryId": query_id}
    return {"data": data, "code": code, "message": error.message, "success": False}
