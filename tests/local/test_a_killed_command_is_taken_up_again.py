"""Kill `calve local up` and `down` before and after each of their effects, then repeat them."""

import re
import signal
from pathlib import Path

import pytest

from calve.standin.local.processes import is_listening, listener

pytestmark = pytest.mark.local

FOLDER = Path(__file__).parents[2] / "src" / "calve" / "standin" / "local"
SOURCES = "\n".join(path.read_text() for path in sorted(FOLDER.glob("*.py")))
EFFECTS = set(re.findall(r'effect\("(local\.[a-z]+)"\)', SOURCES))
OF_DOWN = {"local.stop", "local.wipe"}
OF_A_FIRST_UP = {"local.settings", "local.initdb"}


@pytest.fixture
def laptop(running):
    """One engine for all cases: a first start costs most, and few of them need one."""
    return running


def still_listening(laptop):
    return [port for port in laptop.environ.values() if is_listening(int(port))]


def passed(failpoint: str) -> int:
    """Every part is started by the same effect: die at the last one, with the others running."""
    return 2 if failpoint.startswith("local.start") else 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("effect", sorted(EFFECTS - OF_DOWN))
def test_up_heals_an_up_that_was_killed(laptop, effect, moment):
    laptop.down(wipe=effect in OF_A_FIRST_UP)
    point = f"{effect}:{moment}"
    killed = laptop.command("up", CALVE_FAILPOINT=f"{point}@{passed(point)}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert laptop.up().is_well
    recorded = laptop.state.processes()
    assert {part: listener(one.port).pid for part, one in recorded.items()} == {
        part: one.pid for part, one in recorded.items()
    }
    laptop.down()
    assert still_listening(laptop) == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("effect", sorted(EFFECTS & OF_DOWN))
def test_down_heals_a_down_that_was_killed(laptop, effect, moment):
    laptop.up()
    killed = laptop.command("down", "--wipe", CALVE_FAILPOINT=f"{effect}:{moment}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    laptop.down(wipe=True)
    assert still_listening(laptop) == []
    assert laptop.up().is_well
