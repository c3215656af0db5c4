"""A machine with a local engine of its own, on which the real commands run, die and are run again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calve.lake.catalog import open_catalog
from calve.lake.lease import holders
from calve.lake.publication import Publication, newest
from calve.lake.records import Connection, connect, migrate
from calve.settings import Settings
from calve.standin.local.state import State
from calve.warehouse.read import query
from unused_ports import free_ports

ROOT = Path(__file__).parents[2]
SCALE = "0.02"
FIRST_DAYS = "2025-01-08"
NEXT_DAY = "2025-01-09"
PARTS = ("POSTGRES", "S3", "SNOWFLAKE")
# Who wrote a row and when may differ between a disturbed run and an undisturbed one; what it says may not.
OF_THE_ATTEMPT = {"_run_key", "_ingested_at"}
LONGEST_SECONDS = 1200


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> list[str]:
        """Return the lines in which calve speaks to a person."""
        return [line for line in self.err.splitlines() if line.startswith("calve: ")]


@dataclass(frozen=True)
class Table:
    """What readers of a table see: its rows, and a digest of them in no order."""

    rows: int
    digest: str


@dataclass
class Machine:
    """One state folder, and the environment that its commands run in."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def calve(self, *words: str, **more: str) -> Ended:
        """Run `calve …` to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "calve", *words],
            env=self.environment(more),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def popen(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start `calve …`; the caller reads what it says and waits for its end."""
        return subprocess.Popen(
            [sys.executable, "-m", "calve", *words],
            env=self.environment(more),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def done(self, *words: str, **more: str) -> Ended:
        """Run `calve …`, which must succeed."""
        ended = self.calve(*words, **more)
        assert ended.code == 0, ended.out + ended.err
        return ended

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        found = {key: value for key, value in os.environ.items() if not key.startswith("CALVE_")}
        return {**found, **self.environ, **more}

    @property
    def stored(self) -> dict[str, Any]:
        return State(self.state).settings()

    @property
    def state(self) -> Path:
        return self.folder / ".calve"

    @property
    def settings(self) -> Settings:
        known = {name: value for name, value in self.stored.items() if name in Settings.model_fields}
        return Settings(**known | {"state": self.state, "project": ROOT})

    @contextmanager
    def records(self) -> Iterator[Connection]:
        with connect(self.settings) as conn:
            migrate(conn)
            yield conn

    def publications(self) -> dict[str, Publication]:
        """Return the newest publication of each pipeline."""
        with self.records() as conn:
            return newest(conn)

    def running(self) -> list[str]:
        """Return the pipelines whose lease is held."""
        with self.records() as conn:
            return sorted(holders(conn))

    def published(self, namespace: str = "curated") -> dict[str, Table]:
        """Return what readers of each table's `main` see, by the catalog alone."""
        return {name: _seen(table) for name, table in self.tables(namespace).items()}

    def tables(self, namespace: str) -> dict[str, Any]:
        """Return the tables of a namespace as PyIceberg sees them now."""
        catalog = open_catalog(self.settings)
        try:
            if not catalog.namespace_exists(namespace):
                return {}
            names = [".".join(name) for name in catalog.list_tables(namespace)]
            return {name: catalog.load_table(name) for name in sorted(names)}
        finally:
            catalog.engine.dispose()

    def snowflake(self, sql: str) -> list[dict[str, Any]]:
        """Read what Snowflake shows to the owner of the views."""
        return query(self.settings, sql)


def _seen(table: Any) -> Table:
    if table.current_snapshot() is None:
        return Table(0, "")
    rows = table.scan().to_arrow().to_pylist()
    said = sorted(repr([(key, row[key]) for key in sorted(row) if key not in OF_THE_ATTEMPT]) for row in rows)
    return Table(len(said), hashlib.sha256("\n".join(said).encode()).hexdigest())


@contextmanager
def machine() -> Iterator[Machine]:
    """Start an engine on free ports, in a folder that PostgreSQL's user can walk to; end and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="calve-machine-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        ports = zip(PARTS, free_ports(len(PARTS)), strict=True)
        environ = {f"CALVE_LOCAL_PORT_{part}": str(port) for part, port in ports}
        environ |= {
            "CALVE_STATE": str(folder / ".calve"),
            "CALVE_PROJECT": str(ROOT),
            "CALVE_REPORT_DIR": str(folder / "report"),
            "CALVE_DRIVER_MEMORY": "1g",
            # The same on every machine, so that keyed hashes can be compared between two.
            "CALVE_HASH_KEY": "a key for tests",
        }
        made = Machine(folder, environ)
        try:
            made.done("local", "up")
            yield made
        finally:
            made.calve("local", "down", "--wipe")


def fill(made: Machine, until: str) -> None:
    """Move the source on to a day."""
    made.done("source", "fill", "--until", until, "--scale", SCALE)
