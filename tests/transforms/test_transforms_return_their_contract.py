import importlib
from pathlib import Path

import pytest

from calve.contract.loader import load_project
from calve.contract.types import spark_type

PROJECT = load_project(Path(__file__).parents[2])
DATASETS = sorted(PROJECT.contracts)


def ddl(columns):
    return ", ".join(f"{name} {spark_type(kind)}" for name, kind in columns)


def columns_of(name):
    if name in PROJECT.sources:
        return [(column.landed_name, column.landed_type) for column in PROJECT.sources[name].landed]
    return [(column.name, column.type) for column in PROJECT.contracts[name].columns]


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_contracts_columns_come_in_order_with_their_types_and_the_time_of_the_source_last(dataset, rows):
    contract = PROJECT.contracts[dataset]
    transform = importlib.import_module(f"transforms.{dataset}")
    names = [*contract.sources, *contract.lookup, *contract.derived_from, *contract.reads]
    inputs = {name: rows(ddl(columns_of(name))) for name in names}
    if contract.derived_from:
        inputs["dates"] = rows("business_date date")
    curated = getattr(transform, f"curate_{dataset}")(**inputs)
    expected = [(column.name, spark_type(column.type)) for column in contract.columns]
    assert curated.dtypes == [*expected, ("_source_at", "timestamp")]
