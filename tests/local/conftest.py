"""Local engines in folders of their own, on free ports."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from calve.settings import Settings
from calve.standin.local import engine
from calve.standin.local.state import State
from unused_ports import free_ports

PROGRAM = [sys.executable, "-c", "from calve.standin.local.command import local; local()"]
PARTS = ("POSTGRES", "S3", "SNOWFLAKE")


@dataclass
class Laptop:
    """One state folder, and the environment that its commands run in."""

    state: State
    environ: dict[str, str] = field(default_factory=dict)

    def up(self) -> engine.EngineStatus:
        return engine.up(self.state, self.environ)

    def down(self, *, wipe: bool = False) -> list[str]:
        return engine.down(self.state, wipe=wipe)

    def words(self) -> dict[str, str]:
        return {part.part: part.word for part in engine.status(self.state).parts}

    def settings(self) -> Settings:
        stored = self.state.settings()
        known = {name: value for name, value in stored.items() if name in Settings.model_fields}
        return Settings(state=self.state.root, **known)

    def kill(self, part: str) -> None:
        process = self.state.processes()[part].process()
        process.kill()
        process.wait()

    def command(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `calve local …` as a process of its own."""
        return subprocess.run(
            [*PROGRAM, *words],
            env=self.environment(environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def popen(self, *words: str) -> subprocess.Popen[bytes]:
        """The same as the leader of a process group of its own, as a terminal's shell starts it."""
        return subprocess.Popen([*PROGRAM, *words], env=self.environment({}), start_new_session=True)

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        return {**os.environ, **self.environ, "CALVE_STATE": str(self.state.root), **more}

    def make_lake(self) -> None:
        """Do to the catalog what the first published table does."""
        with psycopg.connect(self.settings().catalog_url.get_secret_value()) as connection:
            connection.execute("create table if not exists iceberg_tables (catalog_name text, table_name text)")
            connection.execute("insert into iceberg_tables values ('lake', 'dim_facility')")


def new_laptop(folder: Path) -> Laptop:
    ports = zip(PARTS, free_ports(len(PARTS)), strict=True)
    return Laptop(State(folder / ".calve"), {f"CALVE_LOCAL_PORT_{part}": str(port) for part, port in ports})


@contextmanager
def laptop_in_a_folder(*, reachable: bool = True) -> Iterator[Laptop]:
    """Everybody may walk to a checkout as a rule, not to pytest's own folders."""
    with tempfile.TemporaryDirectory(prefix="calve-laptop-") as folder:
        Path(folder).chmod(0o711 if reachable else 0o700)
        made = new_laptop(Path(folder))
        yield made
        made.down(wipe=True)


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports(1)[0]


@pytest.fixture
def laptop() -> Iterator[Laptop]:
    """An engine that is not up yet; its data is removed afterwards."""
    with laptop_in_a_folder() as made:
        yield made


@pytest.fixture
def hidden_laptop() -> Iterator[Laptop]:
    """The same in a folder that only its owner can walk to, as a home directory often is."""
    with laptop_in_a_folder(reachable=False) as made:
        yield made


@pytest.fixture(scope="module")
def running() -> Iterator[Laptop]:
    """An engine that is up; tests leave it as they found it."""
    with laptop_in_a_folder() as made:
        made.up()
        yield made
