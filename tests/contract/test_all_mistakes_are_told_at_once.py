import pytest

from calve.contract.loader import load_project
from calve.errors import ContractError

SALE = "iceberg/contracts/fct_sale.yaml"


def test_a_project_without_mistakes_loads(shop):
    project = load_project(shop.folder)

    assert list(project.contracts) == ["agg_sale_day", "dim_client", "fct_sale"]
    assert list(project.sources) == ["client", "sale"]
    assert list(project.pipelines) == ["money", "people"]


def test_mistakes_of_all_files_come_in_one_error(shop):
    shop.change(SALE, "load: merge", "load: merg")
    shop.change(SALE, "sort_by: [client_key]", "sort_by: [client]")
    shop.change("iceberg/contracts/dim_client.yaml", "pipeline: people", "pipeline: peple")
    shop.change("iceberg/sources/sale.yaml", "totals: [amount]", "totals: [amounts]")
    shop.change("iceberg/pipelines.yaml", '"30 0 * * *"', '"30 0 * *"')
    shop.write("iceberg/sources/broken.yaml", "source: [")

    with pytest.raises(ContractError) as told:
        load_project(shop.folder)

    first, *lines = str(told.value).splitlines()
    assert first == "contracts: 6 mistakes; correct the files below"
    assert [line.split(": ")[0] for line in lines] == [
        "iceberg/contracts/dim_client.yaml:2",
        "iceberg/contracts/fct_sale.yaml:8",
        "iceberg/contracts/fct_sale.yaml:11",
        "iceberg/pipelines.yaml:3",
        "iceberg/sources/broken.yaml:1",
        "iceberg/sources/sale.yaml:8",
    ]


def test_what_refers_to_an_unreadable_file_is_no_mistake_of_its_own(shop):
    shop.write("iceberg/sources/sale.yaml", "source: [")

    assert [line.split(": ")[0] for line in shop.mistakes()] == ["iceberg/sources/sale.yaml:1"]


@pytest.mark.parametrize("missing", ["iceberg/pipelines.yaml", "spark_apps/transforms/fct_sale.py"])
def test_a_missing_file_is_named(shop, missing):
    (shop.folder / missing).unlink()

    (told,) = shop.mistakes()

    assert missing in told


def test_an_empty_folder_is_told_by_what_it_lacks(tmp_path):
    with pytest.raises(ContractError) as told:
        load_project(tmp_path)

    assert str(told.value).splitlines()[1:] == [
        "iceberg/contracts:1: holds no .yaml file; add a contract",
        "iceberg/pipelines.yaml:1: is not there; add it with a list of pipelines",
        "iceberg/sources:1: holds no .yaml file; add a source",
    ]


def test_no_message_speaks_the_validation_library(shop):
    shop.change(SALE, "grain: [sale_id]", "grain: {a: 1}")
    shop.change(SALE, "load: merge", "load: 3")
    shop.change(SALE, "immutable: true", "immutable: 7")
    shop.change(SALE, "max: 1000", "max: {a: 1}")
    shop.change(SALE, "percent: 1,", "percent: -1,")

    told = "\n".join(shop.mistakes())

    assert told.count("\n") >= 4
    for word in ("Input", "pydantic", "Value error", "valid string", "tuple", "dict", "literal"):
        assert word not in told
