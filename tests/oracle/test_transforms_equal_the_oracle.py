from datetime import UTC, date, datetime, timedelta

import pytest
from lake_play import ROOT, SCALE, UNTIL, curate, transform, values
from shop_oracle import expected

from calve.contract.loader import load_project
from calve.standin.source import HISTORY_START, fill

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATASETS = sorted(load_project(ROOT).contracts)


@pytest.fixture(scope="module")
def curated(spark, shop, project, tmp_path_factory):
    """Every dataset of the shop with 400 days, by the transforms."""
    return curate(spark, shop, project, tmp_path_factory.mktemp("landed"))


def wanted(conn, name, until, columns):
    """Return the oracle's rows as comparable values."""
    rows = expected(conn, name, HISTORY_START, until)
    return {tuple(plain(row[column]) for column in columns) for row in rows}


def plain(value):
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    return value


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_dataset_holds_what_the_definitions_say(dataset, curated, shop, project):
    columns = project.contracts[dataset].column_names
    found = values(curated[dataset], columns)
    assert found == wanted(shop, dataset, UNTIL, columns)
    assert found


def test_a_week_of_changes_touches_every_date_that_it_moves(spark, new_shop, project, tmp_path):
    """Recompute the touched dates only, after a week of late rows, refunds and deletes, and get the whole."""
    first, later = date(2025, 3, 20), date(2025, 3, 27)
    conn = new_shop(first)
    before = curate(spark, conn, project, tmp_path)
    fill(conn, until=later, scale=SCALE)
    after = curate(spark, conn, project, tmp_path)

    contract = project.contracts["agg_facility_product_day"]
    siblings = {name: after[name] for name in contract.derived_from}
    changed = {
        name: before[name].exceptAll(after[name]).union(after[name].exceptAll(before[name])) for name in siblings
    }
    dates = transform(contract, "touched")(changed, **siblings).localCheckpoint()
    recomputed = transform(contract)(**siblings, dates=dates).drop("_source_at")
    kept = before[contract.dataset].join(dates, on="business_date", how="left_anti").select(*contract.column_names)

    found = values(kept.union(recomputed), contract.column_names)
    assert found == wanted(conn, contract.dataset, later, contract.column_names)
    assert 7 < dates.count() < (first - HISTORY_START).days
