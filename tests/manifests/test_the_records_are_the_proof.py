"""Over a real PostgreSQL, which only the engine's environment has."""

import pytest
from recorded_runs import block, publish

from calve.errors import CalveError
from calve.kubernetes.evidence import Proof
from calve.kubernetes.facts import read_proof

KEY = "revenue@2026-01-02#0"


def test_a_run_that_nobody_made_has_no_proof(recorded):
    assert read_proof(recorded, KEY) == Proof(KEY)


def test_a_publication_is_the_proof(recorded):
    publish(KEY)

    last_good = f"publication 7 of {KEY}, 2026-01-03 00:41 UTC"
    assert read_proof(recorded, KEY) == Proof(KEY, publication=7, last_good=last_good)
    assert read_proof(recorded, "revenue@2026-01-03#0") == Proof("revenue@2026-01-03#0", last_good=last_good)


def test_a_verdict_that_blocks_is_told_rule_by_rule_and_who_is_at_work(recorded):
    block(KEY)

    assert read_proof(recorded, KEY) == Proof(
        KEY,
        blocked=("fct_order_line complete(facility_id): 36 of 641 rows break it",),
        holder=f"{KEY} on node-1/17",
    )


def test_what_is_no_run_key_is_refused(recorded):
    with pytest.raises(CalveError, match="run key"):
        read_proof(recorded, "revenue")
