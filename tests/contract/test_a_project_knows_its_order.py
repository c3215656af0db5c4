import pytest

from calve.contract.loader import load_project
from calve.contract.order import cycle_in, in_order
from calve.errors import ContractError


@pytest.fixture
def project(shop):
    return load_project(shop.folder)


def test_a_pipeline_comes_after_those_that_it_needs(project):
    assert project.pipeline_order() == ["people", "money"]
    assert project.pipeline_order(["money", "people"]) == ["people", "money"]
    assert project.pipeline_order(["money"]) == ["money"]


def test_an_unknown_pipeline_is_refused_with_the_ones_there_are(project):
    with pytest.raises(ContractError, match=r"pipeline mony: .*there are money, people; did you mean money\?"):
        project.pipeline_order(["mony"])


def test_a_dataset_comes_after_those_that_it_is_derived_from(project):
    assert [contract.dataset for contract in project.contracts_of("money")] == ["fct_sale", "agg_sale_day"]


def test_the_sources_of_a_pipeline_are_those_that_its_contracts_name(project):
    assert [source.source for source in project.sources_of("money")] == ["sale"]
    assert [source.source for source in project.sources_of("people")] == ["client"]


def test_a_source_of_control_totals_belongs_to_its_pipeline(shop):
    columns = "business_date: date, facility_id: int, table_name: string, version: int, row_count: long"
    columns += ", sum_amount: long, is_closed: boolean, sealed_at: timestamptz"
    rows = [f"  - {{name: {c.split(': ')[0]}, type: {c.split(': ')[1]}, doc: x}}" for c in columns.split(", ")]
    head = "source: sealed\ndoc: x\ntable: public.sealed\nkey: [version]\nextract: changes\nchanged_by: sealed_at\n"
    shop.write("iceberg/sources/sealed.yaml", f"{head}columns:\n" + "\n".join(rows))
    total = "control_total: {source: sealed, table_name: sale, date: sale_date, by: client_key, sum: amount}"
    shop.change("iceberg/contracts/fct_sale.yaml", "audit:\n", f"{total}\naudit:\n")

    assert [source.source for source in load_project(shop.folder).sources_of("money")] == ["sale", "sealed"]


def test_the_key_of_a_dimension_is_its_single_grain_column(project):
    assert project.dimension_key("dim_client") == "client_key"


def test_a_cycle_is_named_in_the_direction_of_waiting():
    assert cycle_in({"c": ["a"], "a": ["b"], "b": ["c"], "d": []}) == ["a", "b", "c", "a"]
    assert cycle_in({"a": ["b"], "b": []}) is None
    assert in_order({"a": ["b", "absent"], "b": []}) == ["b", "a"]
