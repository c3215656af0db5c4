"""Commands that are no runs: SIGKILL before and after each of their effects, then the same command again."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from effects_of_the_code import MOMENTS, OF_COMMANDS
from machine import ROOT, Machine, machine

from calve.errors import EX_DATAERR
from calve.lake.objects import open_store

pytestmark = pytest.mark.local
_numbers = itertools.count()


@pytest.fixture(scope="module")
def running() -> Iterator[Machine]:
    """One engine; every case has a shop and a project of its own."""
    with machine() as made:
        yield made


def new_shop(made: Machine) -> str:
    """Return the address of an empty shop, as its owner."""
    name = f"shop_{next(_numbers)}"
    with psycopg.connect(made.stored["admin_url"], autocommit=True) as admin:
        admin.execute(f"create database {name} owner shop_admin")
    return f"{made.stored['source_admin_url'].rpartition('/')[0]}/{name}"


def rows_of(url: str) -> str:
    """Return a digest of all rows of a shop."""
    found = []
    with psycopg.connect(url) as conn:
        names = conn.execute("select schemaname || '.' || tablename from pg_tables order by 1").fetchall()
        for (name,) in names:
            if name.startswith(("public.", "generator.")):
                rows = conn.execute(f"select t::text from {name} as t").fetchall()
                found.append((name, sorted(rows)))
    return hashlib.sha256(repr(found).encode()).hexdigest()


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def copied(made: Machine) -> Path:
    """Return a project of its own."""
    folder = made.folder / f"project_{next(_numbers)}"
    for name in ("iceberg", "spark_apps"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def prepared(made: Machine, words: tuple[str, ...], shop: str) -> None:
    """Do what must have been done before the command."""
    if words[:2] in (("source", "plant"), ("source", "repair")):
        made.done("source", "fill", "--until", "2025-01-03", "--scale", "0.02", CALVE_SOURCE_ADMIN_URL=shop)
    if words[:2] == ("source", "repair"):
        made.done(*OF_COMMANDS["source.plant"], CALVE_SOURCE_ADMIN_URL=shop)


OF_THE_SOURCE = [name for name in OF_COMMANDS if name.startswith("source.")]
OF_FILES = [name for name in OF_COMMANDS if name.endswith(".write")]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", OF_THE_SOURCE)
def test_the_source_is_as_if_the_command_had_not_died(running: Machine, name: str, moment: str):
    words, killed, calm = OF_COMMANDS[name], new_shop(running), new_shop(running)
    for shop in (killed, calm):
        prepared(running, words, shop)
    running.done(*words, CALVE_SOURCE_ADMIN_URL=calm)
    died = running.calve(*words, CALVE_SOURCE_ADMIN_URL=killed, CALVE_FAILPOINT=f"{name}:{moment}")
    assert died.code == -signal.SIGKILL, died.err
    again = running.calve(*words, CALVE_SOURCE_ADMIN_URL=killed)
    if (name, moment) == ("source.plant", "after"):
        assert (again.code, "planted already" in again.err) == (EX_DATAERR, True)
    else:
        assert again.code == 0, again.err
    assert rows_of(killed) == rows_of(calm)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", OF_FILES)
def test_the_files_are_as_if_the_command_had_not_died(running: Machine, name: str, moment: str):
    killed, calm = copied(running), copied(running)
    words = {folder: [word.format(folder=folder) for word in OF_COMMANDS[name]] for folder in (killed, calm)}
    running.done(*words[calm])
    died = running.calve(*words[killed], CALVE_FAILPOINT=f"{name}:{moment}")
    assert died.code == -signal.SIGKILL, died.err
    running.done(*words[killed])
    assert files_of(killed) == files_of(calm)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", [name for name in OF_COMMANDS if name.startswith("doctor.")])
def test_a_doctor_that_died_leaves_at_most_one_object_that_no_table_names(running: Machine, name: str, moment: str):
    died = running.calve("doctor", CALVE_FAILPOINT=f"{name}:{moment}")
    assert died.code == -signal.SIGKILL, died.err
    store, place = open_store(running.settings), f"{running.settings.warehouse}/_doctor"
    left = {found.location for found in store.list(place)}
    assert len(left) == ((name, moment) in {("doctor.put", "after"), ("doctor.delete", "before")})
    running.calve("doctor")
    assert {found.location for found in store.list(place)} == left
    store.delete(sorted(left))
