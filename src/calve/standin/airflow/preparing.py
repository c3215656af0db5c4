"""Make what the local Airflow needs: the local engine, its database, a filled source.

Promises that each step may be repeated and that what is there already stays as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import psycopg
from psycopg import sql

from calve.errors import LocalEngineError
from calve.standin.airflow.home import DATABASE, Home
from calve.standin.local import engine
from calve.standin.source.state import GeneratorError, read_state

# What the demo fills before its first day.
FILLED_UNTIL = "2026-02-05"


def prepare(home: Home, say: Callable[[str], None]) -> None:
    """Start the local engine and make what is missing in it.

    Raises:
        LocalEngineError: The environment with Airflow is not there, or a part did not start.
    """
    if not home.python.exists():
        msg = f"Airflow: {home.python} is not there, expected the environment that has Airflow; run `make setup`"
        raise LocalEngineError(msg)
    engine.up(home.engine, os.environ)
    say("the local engine is up")
    _make_database(home)
    home.write_login()
    if _is_source_empty(home):
        scale = os.environ.get("SCALE", "1")
        say(f"the source is empty: calve source fill --scale {scale} --until {FILLED_UNTIL}")
        _run(home, [sys.executable, "-m", "calve", "source", "fill", "--scale", scale, "--until", FILLED_UNTIL])
    say("bringing Airflow's database up to date")
    _run(home, [str(home.python), "-m", "airflow", "db", "migrate"])


def _make_database(home: Home) -> None:
    """Make role and database, and give the role the password that we know."""
    admin_url = str(home.engine.settings()["admin_url"])
    names = {"name": sql.Identifier(DATABASE), "password": sql.Literal(home.secrets()["database_password"])}
    with psycopg.connect(admin_url, autocommit=True) as admin:
        if admin.execute("select 1 from pg_roles where rolname = %s", [DATABASE]).fetchone() is None:
            admin.execute(sql.SQL("create role {name} login").format(**names))
        admin.execute(sql.SQL("alter role {name} password {password}").format(**names))
        if admin.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
            admin.execute(sql.SQL("create database {name} owner {name}").format(**names))
        admin.execute(sql.SQL("revoke all on database {name} from public").format(**names))


def _is_source_empty(home: Home) -> bool:
    with psycopg.connect(str(home.engine.settings()["source_admin_url"])) as conn:
        try:
            return read_state(conn) is None
        except GeneratorError:
            return True


def _run(home: Home, command: list[str]) -> None:
    log = home.state.log("set-up")
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = home.environment(os.environ)
    with log.open("ab") as output:
        done = subprocess.run(  # noqa: S603  # a command of our own
            command, env=environment, cwd=home.state.root, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        tail = "\n".join(f"  {line[:200]}" for line in log.read_text(errors="replace").splitlines()[-12:])
        msg = f"Airflow: `{' '.join(command)}` ended with {done.returncode}, expected 0; its log {log} ends\n{tail}"
        raise LocalEngineError(msg)
