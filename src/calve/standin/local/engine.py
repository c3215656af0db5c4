"""Start, end and describe the local engine: PostgreSQL, S3 and the Snowflake stand-in under one folder.

Promises that `up` may be repeated at any time and ends with every part answering, or an error that says what
to do, and that no part ends with the command that started it. Never goes on over a lake that lost its files.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from calve.effects import effect
from calve.errors import CalveError, LocalEngineError
from calve.standin.local import consistency, defaults, postgres, serving, store
from calve.standin.local.processes import Part, start, stop, unrecorded, wait_ready
from calve.standin.local.state import Recorded, State

ROLES = {
    "shop_admin": "shop_admin_password",
    "shop_reader": "shop_reader_password",
    "calve": "catalog_password",
}


@dataclass(frozen=True)
class PartStatus:
    """How one part is.

    Attributes:
        word: running, stopped, crashed, silent (runs and does not answer) or given (the user's own).
    """

    part: str
    word: str
    address: str
    pid: int | None


@dataclass(frozen=True)
class EngineStatus:
    """How the local engine is.

    Attributes:
        lake: `ok`, or what is wrong with it and which command helps.
    """

    parts: tuple[PartStatus, ...]
    lake: str

    @property
    def is_well(self) -> bool:
        """Tell whether everything is there and fits together."""
        return self.lake == "ok" and all(part.word in ("running", "given") for part in self.parts)


@dataclass(frozen=True)
class _Server:
    part: Part
    answers: Callable[[], bool]


def up(state: State, environ: Mapping[str, str]) -> EngineStatus:
    """Start whatever is not running, and wait until all of it answers.

    Raises:
        LocalEngineError: A port is taken, a part did not start, or half of the state is gone.
        LakeLostError: The catalog names files that the object store no longer has.
    """
    with state.locked():
        if not state.settings() and postgres.has_data(state):
            msg = f"state {state.root}: PostgreSQL's data is there, settings.json with its passwords is gone; "
            raise LocalEngineError(msg + f"start anew with {consistency.START_ANEW}")
        settings = defaults.complete(state.settings(), environ)
        if not postgres.has_data(state):
            settings["instance"] = uuid.uuid4().hex  # another catalog: objects of an earlier one aren't its own
        servers = _servers(state, settings)
        _must_keep_ports(state, servers)
        state.save_settings(settings)
        _start_all(state, servers, settings)
        passwords = {role: str(settings[name]) for role, name in ROLES.items()}
        postgres.make_databases(str(settings["admin_url"]), passwords)
        bucket = urlsplit(str(settings["warehouse"])).netloc
        consistency.claim(
            str(settings["catalog_url"]),
            store.client(settings),
            bucket=bucket,
            instance=str(settings["instance"]),
        )
    return status(state)


def _start_all(state: State, servers: list[_Server], settings: dict[str, object]) -> None:
    recorded = {name: one for name, one in state.processes().items() if one.process()}
    # PostgreSQL is made last: the others import for a second or two meanwhile.
    for server in servers:
        name = server.part.name
        if name in recorded:
            continue
        if name == "postgres":
            if not postgres.has_data(state):
                postgres.make_data(state, str(settings["admin_password"]))
            postgres.forget_dead_server(state)
        recorded[name] = start(server.part, state)
    for server in servers:
        wait_ready(server.part, recorded[server.part.name], state=state, ready=server.answers)


def _servers(state: State, settings: dict[str, object]) -> list[_Server]:
    ports = {name: int(str(settings[f"port_{name}"])) for name in defaults.PORTS}
    servers = []
    if settings["s3_own"]:
        endpoint = str(settings["s3_endpoint"])
        servers.append(_Server(store.part(ports["s3"]), lambda: store.answers(endpoint)))
    stand_in = serving.part(state, ports["snowflake"], settings)
    servers.append(_Server(stand_in, lambda: serving.answers(ports["snowflake"])))
    admin_url = str(settings["admin_url"])
    servers.append(_Server(postgres.part(state, ports["postgres"]), lambda: postgres.answers(admin_url)))
    return servers


def _must_keep_ports(state: State, servers: list[_Server]) -> None:
    recorded = state.processes()
    for part in (server.part for server in servers):
        known = recorded.get(part.name)
        if known and known.process() and known.port != part.port:
            found = f"{part.name}: runs on port {known.port}, {part.variable} asks for {part.port}"
            msg = f"{found}; unset it, or `calve local down` first"
            raise LocalEngineError(msg)


def down(state: State, *, wipe: bool) -> list[str]:
    """End the parts that `up` started; with `wipe` remove their data as well.

    Returns:
        The parts that were running.
    """
    with state.locked():
        ended: list[str] = []
        recorded = state.processes()
        # A store of our own is ended too when another one was given since.
        settings = (state.settings() or defaults.complete({}, {})) | {"s3_own": True}
        for part in (server.part for server in _servers(state, settings)):
            left = [one for one in (recorded.pop(part.name, None), *unrecorded(part, state)) if one and one.process()]
            for one in left:
                stop(one, part.stop_signal)
            ended += [part.name] if left else []
            state.record(recorded)
        if wipe:
            _wipe(state)
    return ended


def _wipe(state: State) -> None:
    settings = state.settings()
    with effect("local.wipe"):
        if settings and not settings["s3_own"]:
            _empty_given_store(settings)
        postgres.remove(state)
        for folder in (state.snowflake, state.root / "log"):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (state.processes_file, state.settings_file):
            file.unlink(missing_ok=True)


def _empty_given_store(settings: dict[str, object]) -> None:
    address = urlsplit(str(settings["warehouse"]))
    prefix, instance = address.path.strip("/"), str(settings["instance"])
    try:
        store.empty_bucket(store.client(settings), address.netloc, prefix=prefix, instance=instance)
    except store.STORE_ERRORS as error:
        msg = f"S3 {settings['s3_endpoint']}: could not be emptied ({error}); nothing was removed, start it and repeat"
        raise LocalEngineError(msg) from error


def status(state: State) -> EngineStatus:
    """Describe every part and whether catalog and object store belong together. Changes nothing."""
    settings = state.settings()
    if not settings:
        stopped = tuple(PartStatus(name, "stopped", "", None) for name in sorted(defaults.PORTS))
        return EngineStatus(stopped, "none; `calve local up` makes it")
    recorded = state.processes()
    parts = [_part_status(server, recorded.get(server.part.name)) for server in _servers(state, settings)]
    if not settings["s3_own"]:
        word = "given" if store.answers(str(settings["s3_endpoint"])) else "silent"
        parts.append(PartStatus("s3", word, str(settings["s3_endpoint"]), None))
    return EngineStatus(tuple(sorted(parts, key=lambda one: one.part)), _lake(settings))


def _part_status(server: _Server, recorded: Recorded | None) -> PartStatus:
    process = recorded.process() if recorded else None
    word = "crashed" if recorded else "stopped"
    if process is not None:
        word = "running" if server.answers() else "silent"
    return PartStatus(server.part.name, word, f"127.0.0.1:{server.part.port}", process.pid if process else None)


def _lake(settings: dict[str, object]) -> str:
    bucket = urlsplit(str(settings["warehouse"])).netloc
    try:
        consistency.check_lake(str(settings["catalog_url"]), store.client(settings), bucket)
    except CalveError as error:
        return str(error)
    return "ok"
