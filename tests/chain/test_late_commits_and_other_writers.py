"""A transaction that commits after the cut is not lost, an empty day leaves its proof, another writer costs a staging.

The intervals reach beyond today, since `now()` of a real transaction must lie inside them; two days beyond, so that
the lateness of the source can't save a lower bound that forgets open transactions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from chain_engine import Lake

from calve.lake.lease import held
from calve.runs import Interval, Run
from calve.spark.application import Leased

pytestmark = [pytest.mark.spark, pytest.mark.local]

FLIPPED = "case account_type when 'RESIDENT' then 'CONTACT' else 'RESIDENT' end"


@dataclass
class Late:
    """Two runs of `reference`: the first lands nothing while a transaction is open, the second finds its row.

    Attributes:
        began_at: Of the transaction, by the source's clock.
        wrote: Account type that it wrote.
    """

    lake: Lake
    runs: tuple[Run, Run]
    began_at: datetime
    wrote: str = ""
    told: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def late(chain, history):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    middle = today + timedelta(days=2)
    intervals = (Interval(today, middle), Interval(middle, middle + timedelta(days=1)))
    runs = tuple(Run("reference", interval) for interval in intervals)
    with chain.clone(history) as lake, psycopg.connect(lake.shop_url) as writer:
        began_at, wrote = writer.execute(
            f"update public.account set account_type = {FLIPPED}, updated_at = now()"
            " where account_id = (select min(account_id) from public.account where erased_at is null)"
            " returning now(), account_type"
        ).fetchone()
        story = Late(lake, runs, began_at.astimezone(UTC), wrote)
        _perform(lake, runs[0])
        writer.commit()
        lake.told.clear()
        lake.listeners.append(lambda line: _write_once(story, line))
        _perform(lake, runs[1])
        yield story


def _perform(lake, run):
    with held(lake.settings, run.pipeline, run.key) as lease:
        lake.perform([Leased(run, lease.epoch)])


def _write_once(story, line):
    """Commit to a table whose staging was just audited, as a person with another tool would."""
    if line.startswith("audit    dim_facility"):
        story.lake.listeners.clear()
        story.lake.session.table("curated.dim_region").limit(0).writeTo("curated.dim_region").append()


def test_the_lower_bound_waits_for_the_oldest_open_transaction(late):
    first = _landing(late, late.runs[0])
    assert first["next_lower"] <= late.began_at < first["cut_at"]
    assert _landing(late, late.runs[1])["lower"] <= late.began_at


def test_a_row_that_commits_after_the_cut_lands_with_the_next_run(late):
    assert (_landing(late, late.runs[0])["rows"], _landing(late, late.runs[1])["rows"]) == (0, 1)
    changed = late.lake.rows("curated.dim_account", "account_type", f"_run_key = '{late.runs[1].key}'")
    assert changed == [{"account_type": late.wrote}]


def test_an_empty_day_leaves_a_proof_for_every_dataset(late):
    run = late.runs[0]
    for contract in late.lake.project.contracts_of("reference"):
        found = late.lake.rows(
            f"curated.{contract.dataset}.snapshots",
            "snapshot_id, summary['added-records'] as added",
            f"summary['calve.run-key'] = '{run.key}' and summary['calve.attempt'] is not null",
        )
        assert found, contract.dataset
        assert {row["added"] for row in found} <= {None, "0"}
    covered = late.lake.query("select dataset from calve.ledger where since = %s", run.interval.since)
    assert len(covered) == len(late.lake.project.contracts_of("reference"))


def test_a_run_whose_main_moved_stages_again_by_itself(late):
    run = late.runs[1]
    attempts = late.lake.query("select attempt from calve.attempt where run_key = %s order by 1", run.key)
    verdicts = "select distinct attempt, voided_at is null as counts from calve.verdict where run_key = %s order by 1"
    voided = late.lake.query(verdicts, run.key)
    published = late.lake.query("select number from calve.publication where run_key = %s", run.key)
    assert [row["attempt"] for row in attempts] == [1, 2]
    assert [(row["attempt"], row["counts"]) for row in voided] == [(1, False), (2, True)]
    assert len(published) == 1
    assert any(line.startswith("again ") and "dim_region" in line for line in late.lake.told)


def _landing(late, run):
    rows = late.lake.query("select * from calve.landing where run_key = %s and source = 'account'", run.key)
    return rows[0]
