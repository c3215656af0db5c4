"""`calve doctor`: try every connection, credential and permission that a run needs, and say what is wrong.

Promises one line per check, `ok` or `wrong` with what was found, what was expected and what to do. Leaves nothing
behind: the table it makes is rolled back, the object it writes is deleted. Never prints a secret.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import click
import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from calve.effects import effect
from calve.errors import EX_DATAERR, EX_TEMPFAIL, CalveError, LocalEngineError, SettingsError
from calve.lake.records import check_address
from calve.settings import Settings, load_settings

CONNECT_SECONDS = 5
# Metadata written by a clock two minutes off can't be read by Spark; publication refuses beyond this.
LARGEST_SKEW_SECONDS = 20.0
_REFUSED = ("authentication failed", "does not exist", "no pg_hba", "not permitted", "permission denied")


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        found: A fact when it is well; else found, expected and what to do.
        retryable: Whether waiting may help: something did not answer, rather than refused.
    """

    check: str
    is_well: bool
    found: str
    retryable: bool = False


def examine(
    load: Callable[[], Settings] = load_settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Finding]:
    """Run all checks in order; one that fails doesn't keep the others from being run."""
    yield Finding("python", True, sys.version.split()[0])
    try:
        settings = load()
    except CalveError as error:
        yield Finding("settings", False, str(error))
        return
    yield Finding("settings", True, f"profile {settings.profile}, warehouse {settings.warehouse}")
    if settings.profile == "local":
        yield from _attempt("java", _java)
        yield from _attempt("jars", _jars)
    yield from _source(settings)
    yield from _catalog(settings, now)
    yield from _attempt("object store", lambda: _store(settings))
    if settings.profile == "local":
        yield from _attempt("lake", lambda: _lake(settings))
    yield from _attempt("snowflake", lambda: _snowflake(settings))


def exit_code(findings: list[Finding]) -> int:
    """Return 0 when all is well, 75 when waiting may help, 65 when something must be changed first."""
    wrong = [finding for finding in findings if not finding.is_well]
    if not wrong:
        return 0
    return EX_TEMPFAIL if all(finding.retryable for finding in wrong) else EX_DATAERR


def _attempt(check: str, work: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield Finding(check, True, work())
    except CalveError as error:
        yield Finding(check, False, str(error), error.retryable)


def _java() -> str:
    from calve.standin.local.java import java_home, java_version

    home = java_home()
    return f"{java_version(home)} in {home}"


def _jars() -> str:
    from calve.standin.local.jars import jar_paths

    return f"{len(jar_paths())} as locked"


def _lake(settings: Settings) -> str:
    from calve.standin.local.consistency import check_local_state

    check_local_state(settings)
    return "catalog and object store belong together"


def _snowflake(settings: Settings) -> str:
    from calve.warehouse.connection import try_login

    return try_login(settings)


def _source(settings: Settings) -> Iterator[Finding]:
    address = _address(settings.source_url.get_secret_value())
    try:
        tables = source_tables(settings.project / "iceberg" / "sources")
        with _connected(settings.source_url.get_secret_value(), "CALVE_SOURCE_URL") as connection:
            yield Finding("source", True, f"connected to {address}")
            for file, table in tables.items():
                yield _source_table(connection, file, table)
    except (LocalEngineError, SettingsError) as error:
        yield Finding("source", False, str(error))
    except psycopg.Error as error:
        yield _unconnected("source", "CALVE_SOURCE_URL", address, error)


def source_tables(folder: Path) -> dict[str, str]:
    """Return the table that each source file names.

    Raises:
        LocalEngineError: There is no source, or a file names no table.
    """
    tables = {}
    for path in sorted(folder.glob("*.yaml")):
        declared: Any = None
        with suppress(YAMLError):
            declared = YAML(typ="safe").load(path)
        if not isinstance(declared, dict) or not isinstance(declared.get("table"), str):
            msg = f"source {path}: no `table:` found, expected schema.table; `calve validate` lists all mistakes"
            raise LocalEngineError(msg)
        tables[path.name] = declared["table"]
    if not tables:
        msg = f"source: no description found in {folder}, expected one file per table; is CALVE_PROJECT right?"
        raise LocalEngineError(msg)
    return tables


def _source_table(connection: psycopg.Connection[Any], file: str, table: str) -> Finding:
    check = f"source {table}"
    row = connection.execute("select to_regclass(%s)::oid", [table]).fetchone()
    if row is None or row[0] is None:
        found = f"{file}: the table is absent or hidden, expected to exist; fill the source, or correct `table:`"
        return Finding(check, False, found)
    privileges = connection.execute(
        "select has_table_privilege(%(t)s::oid, 'select'), has_table_privilege(%(t)s::oid, 'insert, update, delete')",
        {"t": row[0]},
    ).fetchone()
    may_read, may_write = privileges or (False, False)
    user = connection.info.user
    if not may_read:
        return Finding(check, False, f"{user} may not read it, expected SELECT; grant select on {table} to {user}")
    if may_write:
        return Finding(check, False, f"{user} may write it, expected a user that only reads; revoke its other rights")
    return Finding(check, True, f"{user} may read it")


def _catalog(settings: Settings, now: Callable[[], datetime]) -> Iterator[Finding]:
    url = settings.catalog_url.get_secret_value()
    try:
        with _connected(url, "CALVE_CATALOG_URL") as connection:
            yield Finding("catalog", True, f"connected to {_address(url)}")
            yield _clock(connection, now)
            yield _may_create(connection)
    except SettingsError as error:
        yield Finding("catalog", False, str(error))
    except psycopg.Error as error:
        yield _unconnected("catalog", "CALVE_CATALOG_URL", _address(url), error)


def _clock(connection: psycopg.Connection[Any], now: Callable[[], datetime]) -> Finding:
    before = now()
    row = connection.execute("select clock_timestamp()").fetchone()
    after = now()
    there: datetime = row[0] if row else before
    skew = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    found = f"{skew:.1f} s between our clock and PostgreSQL's"
    if skew < LARGEST_SKEW_SECONDS:
        return Finding("clock", True, found)
    hint = f"{found}, expected below {LARGEST_SKEW_SECONDS:.0f} s; correct the clock, a publication would be refused"
    return Finding("clock", False, hint, retryable=True)


def _may_create(connection: psycopg.Connection[Any]) -> Finding:
    user = connection.info.user
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("create table _calve_doctor (probe integer)")
    except psycopg.Error as error:
        advice = f"expected to; grant create on the schema to {user}, and use the primary server"
        return Finding("catalog tables", False, f"{user} may not create a table ({_first(error)}), {advice}")
    return Finding("catalog tables", True, f"{user} may create tables")


def _store(settings: Settings) -> str:
    key = "/".join(part for part in (settings.prefix, "_doctor", uuid.uuid4().hex) if part)
    s3 = _s3(settings)
    done = "reach"
    try:
        s3.head_bucket(Bucket=settings.bucket)
        done = "write into"
        with effect("doctor.put"):
            s3.put_object(Bucket=settings.bucket, Key=key, Body=b"calve doctor")
        done = "read from"
        s3.get_object(Bucket=settings.bucket, Key=key)["Body"].read()
        done = "delete from"
        with effect("doctor.delete"):
            s3.delete_object(Bucket=settings.bucket, Key=key)
    except (BotoCoreError, ClientError) as error:
        raise _store_error(settings, done, error) from error
    return f"bucket {settings.bucket}: wrote, read and deleted an object"


def _store_error(settings: Settings, done: str, error: Exception) -> CalveError:
    from calve.errors import LakeUnavailableError

    where = settings.s3_endpoint or f"AWS {settings.s3_region}"
    what = f"object store {where}: could not {done} bucket {settings.bucket} ({_first(error)}), expected it to work"
    if not isinstance(error, ClientError):
        msg = f"{what}; start it, or correct CALVE_S3_ENDPOINT"
        return LakeUnavailableError(msg)
    msg = f"{what}; make the bucket, or correct CALVE_WAREHOUSE, the credentials and their rights"
    return SettingsError(msg)


def _s3(settings: Settings) -> Any:
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=key.get_secret_value() if key else None,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=20,
            retries={"max_attempts": 2, "mode": "standard"},
            s3={"addressing_style": "path"} if settings.s3_endpoint else {},
        ),
    )


def _connected(url: str, variable: str) -> psycopg.Connection[Any]:
    check_address(url, variable)
    return psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True)


def _unconnected(check: str, variable: str, address: str, error: psycopg.Error) -> Finding:
    refused = any(word in str(error) for word in _REFUSED)
    advice = f"correct user, password and database in {variable}" if refused else "start it, or wait until it answers"
    return Finding(check, False, f"{address}: {_first(error)}, expected a connection; {advice}", retryable=not refused)


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        return "an address that can't be read"
    return f"{parts.hostname}:{port}{parts.path}"


def _first(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def doctor(*, as_json: bool) -> None:
    """Check every connection, credential and permission.

    Exits 0 when all is well, 75 when something did not answer, 65 when something must be corrected.
    """
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            click.echo(f"{'ok' if finding.is_well else 'wrong':<6}{finding.check}: {finding.found}")
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    sys.exit(exit_code(findings))
