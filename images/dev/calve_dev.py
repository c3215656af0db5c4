#!/opt/venv/bin/python
"""`calve-dev postgres | s3 | snowflake`: play one of the services that a cluster has of its own, in development only.

Any other words are those of `calve source`: `calve-dev fill --until 2025-02-01`. All have one password, that of
CALVE_DEV_PASSWORD; what is kept lies below /var/lib/calve. Each may be killed and started again at any time.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

DATA = Path("/var/lib/calve")
POSTGRES = Path("/usr/lib/postgresql/15/bin")
SOCKET = "/tmp"  # noqa: S108  # inside the container
# A database and its owner; `shop_reader` may read the source.
DATABASES = {"calve": "calve", "airflow": "airflow", "source": "shop_admin"}
SETTINGS = {"unix_socket_directories": SOCKET, "max_connections": "150", "shared_buffers": "64MB", "jit": "off"}
SETTINGS |= {"timezone": "UTC", "log_timezone": "UTC", "max_wal_size": "512MB"}
EX_DATAERR = 65


def main(words: list[str]) -> None:
    """Become what was asked for."""
    parts = {"postgres": postgres, "s3": s3, "snowflake": snowflake}
    if not words:
        sys.exit(__doc__)
    if words[0] in parts:
        parts[words[0]](_password())
    os.environ.setdefault(
        "CALVE_SOURCE_ADMIN_URL",
        f"postgresql://shop_admin:{quote(_password(), safe='')}@calve-dev-postgres:5432/source",
    )
    os.execvp("calve", ["calve", "source", *words])  # noqa: S606, S607


def postgres(password: str) -> None:
    """Make data, roles and databases as far as they are not there, then serve on every address, port 5432."""
    place = DATA / "postgres"
    if not (place / "PG_VERSION").exists():
        _make_data(place, password)
    # A volume's group may be given rights on mounting, which the server refuses.
    place.chmod(0o700)
    # Of a server that was killed: nobody else has this volume.
    (place / "postmaster.pid").unlink(missing_ok=True)
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    # Nobody is served before everything is there.
    alone = " ".join(["-c listen_addresses=''", *options])
    _run([POSTGRES / "pg_ctl", "-D", place, "-w", "-o", alone, "start"])
    _make_databases(password)
    _run([POSTGRES / "pg_ctl", "-D", place, "-w", "-m", "fast", "stop"])
    server = str(POSTGRES / "postgres")
    os.execv(server, [server, "-D", str(place), "-c", "listen_addresses=*", "-p", "5432", *options])  # noqa: S606


def s3(password: str) -> None:
    """Make the bucket of CALVE_WAREHOUSE and those of CALVE_DEV_BUCKETS, then serve on every address, port 7070."""
    root, kept = DATA / "s3", DATA / "attributes"
    warehouse = os.environ.get("CALVE_WAREHOUSE", "s3://calve-lake/lake")
    names = [urlsplit(warehouse).netloc, *filter(None, os.environ.get("CALVE_DEV_BUCKETS", "").split(","))]
    for folder in (kept, *(root / name for name in names)):
        folder.mkdir(parents=True, exist_ok=True)
    key = os.environ.get("CALVE_S3_ACCESS_KEY_ID", "calve")
    os.environ |= {"ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": os.environ.get("CALVE_S3_SECRET_ACCESS_KEY", password)}
    words = ["--port", ":7070", "--quiet", "posix", "--sidecar", str(kept), str(root)]
    os.execvp("versitygw", ["versitygw", *words])  # noqa: S606, S607


def snowflake(password: str) -> None:
    """Serve the stand-in on every address, port 8084, over the S3 server of CALVE_S3_ENDPOINT."""
    os.environ.setdefault("CALVE_S3_ACCESS_KEY_ID", "calve")
    for name in ("CALVE_S3_SECRET_ACCESS_KEY", "CALVE_SNOWFLAKE_PASSWORD"):
        os.environ.setdefault(name, password)
    endpoint = os.environ.get("CALVE_S3_ENDPOINT", "http://calve-dev-s3:7070")
    words = ["--host", "0.0.0.0", "--port", "8084", "--s3-endpoint", endpoint]  # noqa: S104  # inside a pod
    command = [sys.executable, "-m", "calve.standin.snowflake", *words, "--state-dir", str(DATA / "snowflake")]
    os.execv(command[0], command)  # noqa: S606


def _make_data(place: Path, password: str) -> None:
    new, secret = place.with_name("postgres.new"), Path(SOCKET) / "password"
    shutil.rmtree(new, ignore_errors=True)
    secret.touch(mode=0o600)
    secret.write_text(password)
    words = ["--username=calve_admin", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C", "--no-sync"]
    try:
        _run([POSTGRES / "initdb", "-D", new, *words, "--auth-local=trust", "--auth-host=scram-sha-256"])
    finally:
        secret.unlink()
    with (new / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\n")
    new.rename(place)


def _make_databases(password: str) -> None:
    given = {"host": SOCKET, "user": "calve_admin", "autocommit": True}
    with psycopg.connect(dbname="postgres", **given) as admin:
        roles = {row[0] for row in admin.execute("select rolname from pg_roles")}
        databases = {row[0] for row in admin.execute("select datname from pg_database")}
        for role in ("calve_admin", "shop_reader", *DATABASES.values()):
            verb = "alter" if role in roles else "create"
            statement = sql.SQL(f"{verb} role {{}} login password {{}}")
            admin.execute(statement.format(sql.Identifier(role), sql.Literal(password)))
        for database, owner in DATABASES.items():
            names = sql.Identifier(database), sql.Identifier(owner)
            if database not in databases:
                admin.execute(sql.SQL("create database {} owner {}").format(*names))
            admin.execute(sql.SQL("revoke all on database {} from public").format(names[0]))
        admin.execute("grant connect on database source to shop_reader")
        # Without it a reader can't see when the transactions of others began.
        admin.execute("grant pg_read_all_stats to shop_reader")
    with psycopg.connect(dbname="source", **given) as source:
        source.execute("grant usage on schema public to shop_reader")
        source.execute("grant select on all tables in schema public to shop_reader")
        source.execute(
            "alter default privileges for role shop_admin in schema public grant select on tables to shop_reader"
        )


def _password() -> str:
    found = os.environ.get("CALVE_DEV_PASSWORD", "")
    if not found:
        sys.stderr.write("calve-dev: CALVE_DEV_PASSWORD is not set, expected the password of all parts; set it\n")
        sys.exit(EX_DATAERR)
    return found


def _run(words: list[object]) -> None:
    done = subprocess.run(list(map(str, words)), stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"calve-dev: {words[0]} ended with {done.returncode}, expected 0")


if __name__ == "__main__":
    main(sys.argv[1:])
