"""I1, I4, I9: SIGKILL before and after every effect of `calve.lake`; the same story again ends as if nothing was."""

import multiprocessing
import re
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import story
from small_lake import Lake, day

import calve.lake
from calve.lake.catalog import table_state
from calve.lake.lease import holders
from calve.lake.ledger import ledger, rebuild
from calve.lake.maintenance import references
from calve.lake.objects import open_store
from calve.lake.publication import history
from calve.lake.records import connect, migrate
from calve.lake.retention import decide

SOURCE = Path(calve.lake.__file__).parent
EFFECTS = sorted(
    {name for path in SOURCE.glob("*.py") for name in re.findall(r'effect\("([^"]+)"\)', path.read_text())}
)


@pytest.fixture(scope="module")
def told(module_settings) -> Iterator[tuple[Lake, Iterator[int]]]:
    """A lake in which day 1 is published and exposed, and the numbers of the days to come."""
    with connect(module_settings) as conn:
        migrate(conn)
        Lake.create(module_settings, conn, story.DATASETS)
        story.tell(module_settings, 1)
        story.tell(module_settings, 2)
        lake = Lake(module_settings, conn, story.open_catalog(module_settings), story.DATASETS)
        yield lake, count(3)


def test_the_effects_are_read_from_the_code():
    assert {"publication.commit", "publication.record", "lease.acquire", "maintenance.files"} <= set(EFFECTS)
    for path in SOURCE.glob("*.py"):
        assert len(re.findall(r"\beffect\(", path.read_text())) == len(re.findall(r'effect\("', path.read_text()))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("effect", EFFECTS)
def test_the_same_story_again_ends_as_if_nothing_was(told: tuple[Lake, Iterator[int]], effect: str, moment: str):
    lake, days = told
    number = next(days)
    # Old publications make each later story slower, so let maintenance forget them.
    lake.conn.execute("update calve.publication set published_at = '2020-01-01' where number > 1")
    earlier = [each.run_key for each in history(lake.conn)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["story"])
    process = context.Process(target=story.die_at, args=(f"{effect}:{moment}", lake.settings, number))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "the story must pass every effect"
    assert_nothing_half_done(lake)
    story.tell(lake.settings, number, voiding=effect == "verdict.void")
    assert_as_the_oracle(lake, number, earlier)


def assert_nothing_half_done(lake: Lake) -> None:
    """Readers see a whole publication, and its record."""
    newest = history(lake.conn)[0]
    for table in newest.tables:
        state = table_state(lake.catalog, table.name)
        assert (state.main_snapshot_id, state.refs[newest.tag]) == (table.snapshot_id, table.snapshot_id)
    expected = [day(1).key, newest.run_key] if newest.kind == "run" else [day(1).key]
    assert lake.runs_in("curated.a") == expected


def assert_as_the_oracle(lake: Lake, number: int, earlier: list[str]) -> None:
    run = day(number)
    publications = history(lake.conn)
    assert [each.number for each in publications] == list(range(len(publications), 0, -1))
    assert [each.kind for each in publications[:2]] == ["rollback", "run"]
    assert publications[1].run_key == run.key
    assert [each.run_key for each in publications[2:]] == earlier
    assert lake.runs_in("curated.a") == [day(1).key]
    staged = publications[1].table("curated.a").snapshot_id
    assert lake.runs_in("curated.a", staged) == [day(1).key, run.key]
    landed = lake.conn.execute("select count(*) as n from calve.landing where run_key = %s", (run.key,)).fetchone()
    assert landed["n"] == 1
    assert [(each.dataset, each.publication) for each in ledger(lake.conn)] == [("a", 1)]
    assert not rebuild(lake.conn)
    assert holders(lake.conn) == {}
    assert not [name for name in table_state(lake.catalog, "curated.a").refs if name.startswith("run_")]
    assert_no_hole_and_no_litter(lake)


def assert_no_hole_and_no_litter(lake: Lake) -> None:
    store, warehouse = open_store(lake.settings), lake.settings.warehouse
    listed = {found.location for found in store.list(f"{warehouse}/")}
    needed = {file for name in ("curated.a", "quarantine.a", "raw.orders") for file in references(lake.catalog, name)}
    kept = decide(lake.conn).kept
    copies = {f"{warehouse}/{table.copy_path}" for each in kept for table in each.tables}
    assert needed | copies == listed
