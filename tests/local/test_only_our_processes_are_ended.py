import os
import signal
import subprocess
import sys
from dataclasses import replace
from multiprocessing.pool import ThreadPool

import pytest

from calve.standin.local import postgres
from calve.standin.local.processes import Part, spawn
from calve.standin.local.state import Recorded, State

pytestmark = pytest.mark.local


@pytest.fixture
def bystander():
    """A process that has nothing to do with us and waits to be told to end."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=postgres.user())
    yield process
    process.communicate()


def test_a_recycled_pid_is_not_ours(bystander):
    ours = Recorded.of(bystander.pid, 5543)
    assert ours.process() is not None
    assert replace(ours, started=ours.started - 60).process() is None


def test_a_process_is_known_as_ours_from_its_first_moment_on(tmp_path):
    part = Part("waiter", 1, [sys.executable, "-c", "import signal; signal.pause()"], "CALVE_LOCAL_PORT_WAITER")

    def known(_):
        started = spawn(part, State(tmp_path))
        try:
            return started.process() is not None
        finally:
            os.kill(started.pid, signal.SIGKILL)

    with ThreadPool(3) as pool:
        assert all(pool.map(known, range(300)))


def test_down_leaves_the_new_owner_of_a_recycled_pid_alone(laptop, bystander):
    recycled = replace(Recorded.of(bystander.pid, 5543), started=1.0)
    laptop.state.record({"s3": recycled})
    assert laptop.down() == []
    assert bystander.poll() is None


def test_up_starts_a_part_whose_pid_was_recycled(laptop, bystander):
    laptop.up()
    laptop.kill("s3")
    processes = laptop.state.processes()
    laptop.state.record({**processes, "s3": replace(processes["s3"], pid=bystander.pid)})
    assert laptop.words()["s3"] == "crashed"
    assert laptop.up().is_well
    assert bystander.poll() is None


def test_a_lock_file_with_a_recycled_pid_does_not_keep_postgres_down(laptop, bystander):
    laptop.up()
    lock = postgres.home(laptop.state) / "data" / "postmaster.pid"
    left = lock.read_text()
    laptop.kill("postgres")
    lock.write_text(left.replace(left.split()[0], str(bystander.pid), 1))
    assert laptop.up().is_well
