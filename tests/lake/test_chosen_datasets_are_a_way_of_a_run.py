"""A reprocess may be asked for some datasets: what that means, what is refused, and that it reaches the application."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_lake import Lake, day

from calve.contract.loader import load_project
from calve.errors import IntervalError
from calve.lake.attempts import CHANGES, Way, start_attempt
from calve.lake.landings import Landing, record_landings
from calve.lake.lease import Holder, held
from calve.lake.rollback import rollback
from calve.planning import Planned, Request, plan
from calve.running import submit
from calve.runs import Run
from calve.spark.command import main

PROJECT = load_project(Path(__file__).parents[2])
DATASETS = tuple(contract.dataset for contract in PROJECT.contracts_of("revenue"))
NOW = datetime(2026, 2, 1, tzinfo=UTC)
ONE = Way("reprocess", ("fct_payment",))
AGAIN = Run("revenue", day(1).interval, generation=1)


@pytest.fixture
def lake(settings, conn):
    """The datasets of `revenue`, nothing published."""
    return Lake.create(settings, conn, DATASETS)


@pytest.fixture
def published(lake):
    """The same; all sources landed, and the first day is published."""
    land_all(lake, 1)
    lake.run(day(1))
    return lake


def land_all(lake, number):
    run, at = day(number), day(number).interval.until
    names = [source.source for source in PROJECT.sources_of("revenue")]
    record_landings(lake.conn, [Landing(run.key, n, f"l {n}", 1, at, None, at, at, 1, {}, 1) for n in names])


def planned(lake, *datasets, pipelines=("revenue",), mode="reprocess", scope="all"):
    asked = Request(pipelines, day(1).interval, scope=scope, mode=mode, datasets=datasets)
    return plan(lake.conn, PROJECT, asked, NOW)


def begin(lake, run):
    """Begin a run of one dataset, and die."""
    lease = lake.lease(run)
    start_attempt(lake.conn, run, lease.epoch, "digest", Holder.here(), way=ONE)
    lake.give_back(lease)


def test_a_way_is_read_back_as_it_is_told():
    for text in ("changes", "reload", "reprocess", "reprocess:fct_payment", "reprocess:fct_a,fct_b"):
        assert str(Way.parse(text)) == text


@pytest.mark.parametrize("text", ["", "all", "changes:fct_a", "reprocess:", "reprocess:fct_a,", "reload:fct_a"])
def test_what_is_no_way_is_refused(text):
    with pytest.raises(IntervalError, match="expected one of changes, reload, reprocess, or reprocess:DATASET"):
        Way.parse(text)


def test_they_are_planned_as_the_next_generation_in_whatever_order(published):
    assert planned(published, "fct_payment", "fct_order_line") == planned(published, "fct_order_line", "fct_payment")
    assert planned(published, "fct_payment") == (Planned(AGAIN, ONE),)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param({"mode": "changes"}, "asked for with changes", id="changes land"),
        pytest.param({"mode": "reload"}, "asked for with reload", id="a reload lands"),
        pytest.param({"scope": "facility_id=7"}, "asked for with scope 'facility_id=7'", id="a part"),
        pytest.param({"pipelines": ()}, "asked for of all, expected one pipeline", id="every pipeline"),
        pytest.param({"pipelines": ("revenue", "reference")}, "of revenue, reference, expected one", id="two"),
    ],
)
def test_only_a_reprocess_of_one_pipeline_leaves_datasets_out(published, asked, told):
    with pytest.raises(IntervalError, match=told) as refused:
        planned(published, "fct_payment", **asked)
    assert refused.value.exit_code == 65


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("fct_paymet", "fct_payment; did you mean fct_payment?", id="misspelt"),
        pytest.param("dim_region", "dim_region: not of pipeline revenue; there are agg_", id="another pipeline's"),
    ],
)
def test_a_dataset_that_the_pipeline_has_not_is_refused_with_those_that_it_has(published, name, told):
    with pytest.raises(IntervalError) as refused:
        planned(published, "fct_order_line", name)
    assert told in str(refused.value)
    assert refused.value.exit_code == 65


def test_what_was_not_published_as_a_whole_is_refused(lake):
    land_all(lake, 1)
    with pytest.raises(IntervalError, match="2026-01-01 was not published as a whole; run the interval without"):
        planned(lake, "fct_payment")


def test_a_dataset_that_the_newest_publication_lacks_is_made_whole_first(published):
    published.run(day(2), only="fct_payment")
    with pytest.raises(IntervalError, match="is not in publication 2, the newest of revenue"):
        planned(published, "fct_payment")


def test_a_source_that_never_landed_is_read_first(lake):
    lake.run(day(1))
    with pytest.raises(IntervalError, match=r"source \w+ never landed"):
        planned(lake, "fct_payment")


def test_what_died_is_taken_up_with_its_datasets(published):
    begin(published, AGAIN)
    assert planned(published, mode="changes") == (Planned(AGAIN, ONE),)


def test_what_died_is_not_taken_up_when_a_rollback_withdrew_its_ground(published):
    published.run(day(2))
    begin(published, replace(AGAIN, interval=day(2).interval))
    rollback(published.settings, published.conn, 1)
    asked = Request(("revenue",), day(2).interval)
    (found,) = plan(published.conn, PROJECT, asked, NOW)
    assert found == Planned(replace(AGAIN, interval=day(2).interval, generation=2), CHANGES)


def test_the_application_is_told_which(published, tmp_path):
    (tmp_path / "spark_apps").mkdir()
    (tmp_path / "spark_apps" / "main.py").write_text("import sys; open(sys.path[0] + '/told', 'w').write(sys.argv[-1])")
    settings = published.settings.model_copy(update={"profile": "cluster", "project": tmp_path, "state": tmp_path})

    with held(settings, "revenue", AGAIN.key) as lease:
        assert submit(settings, PROJECT, [(Planned(AGAIN, ONE), lease)]) == 0
    told = (tmp_path / "spark_apps" / "told").read_text()
    assert told == f"revenue@2026-01-01#1={lease.epoch}=reprocess:fct_payment"


def test_the_application_takes_no_other_way(environment):
    found = CliRunner().invoke(main, ["--digest", "d", "--run", "revenue@2026-01-01#1=7=changes:fct_payment"])
    assert found.exit_code == 65
    assert "way 'changes:fct_payment': expected one of" in found.output
