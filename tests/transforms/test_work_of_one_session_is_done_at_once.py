"""Several things of one session are worked at together, each after what it needs; nothing is begun after a failure."""

import threading

import pytest

from calve.spark.concurrently import as_needed

pytestmark = pytest.mark.spark
NEEDS = {"d": ("c",), "c": ("a", "b"), "b": (), "a": ()}


def test_what_a_name_needs_is_done_and_given_to_it(spark):
    def work(name, known):
        return {name, *(each for need in NEEDS[name] for each in known[need])}

    done = as_needed(spark, work, NEEDS, 3)
    assert done == {"a": {"a"}, "b": {"b"}, "c": {"a", "b", "c"}, "d": {"a", "b", "c", "d"}}
    assert list(done) == list(NEEDS)


def test_so_many_are_worked_at_together_and_each_knows_the_session(spark):
    meet = threading.Barrier(2)

    def work(name, known):
        meet.wait(60)
        return spark._jvm.SparkSession.getActiveSession().isDefined()

    assert as_needed(spark, work, dict.fromkeys("abcd", ()), 2) == dict.fromkeys("abcd", True)


def test_no_more_are_worked_at_than_may_be(spark):
    working, most = set(), []

    def work(name, known):
        working.add(name)
        most.append(len(working))
        spark.range(10).count()
        working.remove(name)

    as_needed(spark, work, dict.fromkeys("abcdef", ()), 2)
    assert max(most) <= 2


def test_a_failure_is_raised_and_nothing_is_begun_after_it(spark):
    begun, failed = [], threading.Event()

    def work(name, known):
        begun.append(name)
        if name == "a":
            failed.set()
            msg = "a failed"
            raise ValueError(msg)
        assert failed.wait(60)
        spark.range(10).count()

    with pytest.raises(ValueError, match="a failed"):
        as_needed(spark, work, dict.fromkeys("abcdef", ()), 2)
    assert begun == ["a", "b"]
