import subprocess
from pathlib import Path

import psutil
import pytest

from cluster.binary import give_up
from cluster.docker_engine import NoEngineError, OwnEngine, check_what_is_needed


@pytest.fixture
def folder(tmp_path):
    """A folder of its own for an engine; skipped where none can be started, and failed in CI."""
    try:
        check_what_is_needed("")
    except NoEngineError as error:
        give_up(str(error))
    yield tmp_path / "docker"
    if left := OwnEngine(tmp_path / "docker").process():
        left.terminate()


LINKS = ["ip", "-brief", "link", "show", "type", "bridge"]
RULES = ["iptables", "-S"]


def network():
    """Return the links and rules that Docker makes; a cluster beside it may make others meanwhile."""
    told = [subprocess.run(words, capture_output=True, text=True, check=True).stdout for words in (LINKS, RULES)]
    return [line for line in "".join(told).splitlines() if "docker" in line.lower() or line.startswith("-P FORWARD")]


def mounts(folder):
    return [line for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]


def test_an_engine_answers_and_its_last_user_ends_it(folder):
    first, second = OwnEngine(folder), OwnEngine(folder)
    first.begin()
    second.begin()
    everything = [second.process(), *second.process().children(recursive=True)]

    first.end()
    assert "Server Version" in second.engine.docker("info")
    second.end()

    assert len(everything) == 2
    assert psutil.wait_procs(everything, timeout=20)[1] == []
    assert not Path(second.engine.environment["DOCKER_HOST"].removeprefix("unix://")).parent.exists()


def test_an_engine_changes_neither_links_nor_rules_and_leaves_no_mount(folder):
    before = network()
    own = OwnEngine(folder)
    own.begin()
    own.engine.docker("info")
    during = network()
    own.end()

    assert (during, network()) == (before, before)
    assert mounts(folder) == []


def test_an_engine_that_was_killed_is_started_anew(folder):
    own = OwnEngine(folder)
    own.begin()
    killed = own.process()
    killed.kill()
    killed.wait(20)

    other = OwnEngine(folder)
    other.begin()
    try:
        assert "Server Version" in other.engine.docker("info")
    finally:
        own.end()
        other.end()
    assert mounts(folder) == []
