"""I1, I2, I3, I7, I9: one `calve run`, killed at point after point, ends as if nothing had been."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from effects_of_the_code import CHAIN, SERVING
from machine import FIRST_DAYS, NEXT_DAY, Machine, fill, machine

from calve.contract.loader import load_project
from calve.errors import EX_TEMPFAIL

pytestmark = [pytest.mark.spark, pytest.mark.local]

OF_THE_SUBMITTER = ("run", "live", "page", "records", "lease")
MAKES_PUBLICATIONS = "publication.commit"


@pytest.fixture(scope="module")
def disturbed() -> Iterator[Machine]:
    """The machine whose run is killed; the tests of this file are one story on it, in their order."""
    with machine() as made:
        fill(made, FIRST_DAYS)
        yield made


def run(made: Machine, point: str) -> None:
    ended = made.calve("run", "--until", FIRST_DAYS, CALVE_FAILPOINT=point)
    if point.startswith(OF_THE_SUBMITTER):
        assert ended.code == -signal.SIGKILL, ended.out + ended.err
        return
    assert ended.code == EX_TEMPFAIL, ended.out + ended.err
    assert "was ended by SIGKILL" in ended.told[-1]
    assert "Traceback" not in ended.err


def readers_see_whole_publications(made: Machine) -> None:
    """`main` of every table is what its newest publication says, and empty before the first."""
    known = {table.name: table for each in made.publications().values() for table in each.tables}
    for namespace in ("curated", "quarantine"):
        for name, table in made.tables(namespace).items():
            head = table.current_snapshot()
            if name in known:
                assert head.snapshot_id == known[name].snapshot_id
            else:
                assert made.published(namespace)[name].rows == 0


@pytest.mark.parametrize("point", CHAIN)
def test_a_kill_shows_readers_nothing_half_done(disturbed: Machine, point: str):
    run(disturbed, point)
    readers_see_whole_publications(disturbed)
    published = ["reference"] if MAKES_PUBLICATIONS in point else []
    assert sorted(disturbed.publications()) == published


@pytest.mark.parametrize("point", SERVING)
def test_a_kill_while_it_is_served_changes_no_publication(disturbed: Machine, point: str):
    if point.startswith("page"):
        (disturbed.folder / "report" / "index.html").unlink(missing_ok=True)
    before = disturbed.publications()
    run(disturbed, point)
    if point != SERVING[0]:
        assert disturbed.publications() == before
    readers_see_whole_publications(disturbed)


def test_the_same_command_ends_it_and_then_has_nothing_to_do(disturbed: Machine):
    disturbed.done("run", "--until", FIRST_DAYS)
    assert "nothing to do" in disturbed.done("run", "--until", FIRST_DAYS).out
    assert disturbed.running() == []
    with disturbed.records() as conn:
        keys = Counter(row["run_key"] for row in conn.execute("select run_key from calve.publication"))
        landed = conn.execute("select run_key, source from calve.landing").fetchall()
    assert keys == {f"{name}@2025-01-01/{FIRST_DAYS}#0": 1 for name in ("reference", "revenue")}
    assert len(landed) == len(load_project(disturbed.settings.project).sources)


def test_the_ledger_rebuilt_is_the_ledger_stored(disturbed: Machine):
    assert "0 segments were missing, 0 were too many" in disturbed.done("ledger", "--rebuild").out


def test_snowflake_serves_the_newest_publications(disturbed: Machine):
    served = disturbed.snowflake(
        "select dataset, publication, snapshot_id, row_count from live.publication where is_served"
    )
    found = {row["dataset"]: (row["publication"], row["snapshot_id"], row["row_count"]) for row in served}
    tables = [(each.number, t) for each in disturbed.publications().values() for t in each.tables]
    curated = {t.name.partition(".")[2]: (n, t.snapshot_id, t.row_count) for n, t in tables if "curated" in t.name}
    assert found == curated
    for dataset, (_, _, rows) in curated.items():
        assert disturbed.snowflake(f"select count(*) as n from live.{dataset}") == [{"n": rows}]


def test_branches_of_dead_attempts_are_removed_by_the_next_maintenance(disturbed: Machine):
    disturbed.done("maintain")
    for namespace in ("curated", "quarantine"):
        for name, table in disturbed.tables(namespace).items():
            assert [ref for ref in table.metadata.refs if ref.startswith("run_")] == [], name


def test_rows_equal_those_of_an_undisturbed_run(disturbed: Machine):
    fill(disturbed, NEXT_DAY)
    disturbed.done("run", "--until", NEXT_DAY)
    with machine() as undisturbed:
        fill(undisturbed, NEXT_DAY)
        undisturbed.done("run", "--until", NEXT_DAY)
        for namespace in ("curated", "quarantine"):
            assert disturbed.published(namespace) == undisturbed.published(namespace)
