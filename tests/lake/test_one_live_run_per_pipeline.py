"""I8: one live run per pipeline; a holder whose epoch is over changes nothing."""

import contextlib
import multiprocessing
import threading
from dataclasses import replace

import pytest

from calve.errors import LeaseHeldError, LeaseLostError
from calve.lake.attempts import start_attempt
from calve.lake.lease import Holder, acquire, held, release, renew
from calve.lake.records import connect
from calve.runs import Interval, Run

HERE = Holder.here()
ELSEWHERE = Holder("other-host", 7, "another-boot 1")
RUN = Run("revenue", Interval.parse("2026-01-02"))


def test_the_second_run_is_told_who_holds_the_lease(conn, lease):
    with pytest.raises(LeaseHeldError) as refused:
        acquire(conn, "revenue", "revenue@2026-01-03#0", ELSEWHERE, 60)
    for part in (HERE.host, str(HERE.pid), "revenue@2026-01-02#0", "since", "until"):
        assert part in str(refused.value)


def test_another_pipeline_is_free(conn, lease):
    assert acquire(conn, "reference", "reference@2026-01-02#0", ELSEWHERE, 60).epoch == 1


def test_a_released_lease_is_free_and_has_a_new_epoch(conn, lease):
    release(conn, lease)
    assert acquire(conn, "revenue", "x", ELSEWHERE, 60).epoch == lease.epoch + 1


def test_an_expired_lease_is_free_by_the_clock_of_postgresql(conn):
    first = acquire(conn, "revenue", "x", ELSEWHERE, -1)
    assert acquire(conn, "revenue", "y", HERE, 60).epoch == first.epoch + 1


def test_the_lease_of_a_dead_process_of_this_machine_is_free_at_once(conn):
    process = multiprocessing.get_context("spawn").Process(target=Holder.here)
    process.start()
    dead = replace(HERE, pid=process.pid)
    process.join()
    first = acquire(conn, "revenue", "x", dead, 3600)
    assert acquire(conn, "revenue", "y", HERE, 60).epoch == first.epoch + 1


def test_a_recycled_pid_is_not_taken_for_the_holder(conn):
    acquire(conn, "revenue", "x", replace(HERE, process=HERE.process.rpartition(" ")[0] + " 1"), 3600)
    assert acquire(conn, "revenue", "y", HERE, 60).epoch == 2


def test_the_lease_of_a_process_elsewhere_is_not_taken_for_dead(conn):
    acquire(conn, "revenue", "x", replace(ELSEWHERE, pid=2**22), 3600)
    with pytest.raises(LeaseHeldError):
        acquire(conn, "revenue", "y", HERE, 60)


def test_only_one_of_many_at_once_gets_the_lease(settings, conn):
    epochs: list[int] = []
    start = threading.Barrier(8)

    def compete(number: int) -> None:
        with connect(settings) as own:
            start.wait()
            with contextlib.suppress(LeaseHeldError):
                epochs.append(acquire(own, "revenue", f"run {number}", HERE, 60).epoch)

    threads = [threading.Thread(target=compete, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert epochs == [1]


def test_a_holder_that_lost_its_lease_starts_no_attempt(conn, lease):
    release(conn, lease)
    acquire(conn, "revenue", "y", ELSEWHERE, 60)
    with pytest.raises(LeaseLostError, match=f"epoch {lease.epoch}"):
        start_attempt(conn, RUN, lease.epoch, "d", HERE)
    with pytest.raises(LeaseLostError):
        renew(conn, lease, 60)


def test_a_lease_that_expired_but_that_nobody_took_is_renewed(conn):
    lease = acquire(conn, "revenue", "x", HERE, -1)
    renew(conn, lease, 60)
    with pytest.raises(LeaseHeldError):
        acquire(conn, "revenue", "y", ELSEWHERE, 60)


def test_a_held_lease_lives_on_its_heartbeat_and_is_given_back(settings, conn):
    quick = settings.model_copy(update={"lease_seconds": 0.3})
    with held(quick, "revenue", "x") as mine:
        until = mine.lease.until_at
        while True:
            row = conn.execute("select until_at from calve.lease").fetchone()
            if row["until_at"] > until:
                break
        mine.check()
    assert acquire(conn, "revenue", "y", ELSEWHERE, 60).epoch == mine.epoch + 1


def test_a_held_lease_that_was_taken_over_says_so(settings, conn):
    quick = settings.model_copy(update={"lease_seconds": 0.3})
    with held(quick, "revenue", "x") as mine:
        conn.execute("update calve.lease set epoch = epoch + 1")
        assert mine.lost.wait(30)
        with pytest.raises(LeaseLostError):
            mine.check()
    assert conn.execute("select released_at from calve.lease").fetchone()["released_at"] is None
