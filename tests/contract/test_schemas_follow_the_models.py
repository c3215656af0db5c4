import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from calve.alerts.schema import SCHEMAS
from calve.contract.schema import schema_texts, write_schemas

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def schemas():
    return {name: json.loads(text) for name, text in schema_texts(SCHEMAS).items()}


def wrong_at(schema, value):
    return [list(error.absolute_path) for error in jsonschema.Draft7Validator(schema).iter_errors(value)]


def contract(**changes):
    given = {
        "dataset": "fct_sale",
        "pipeline": "money",
        "owner": {"team": "t", "alerts": "a"},
        "doc": "Sales.",
        "grain": ["sale_id"],
        "from": ["sale"],
        "load": "merge",
        "touched_by": ["sale_id"],
        "columns": [{"name": "sale_id", "type": "long", "doc": "Sale."}],
        "audit": [{"unique": ["sale_id"], "else": "block"}],
    }
    return given | changes


def test_a_schema_is_a_schema(schemas):
    for schema in schemas.values():
        jsonschema.Draft7Validator.check_schema(schema)


def test_an_editor_accepts_what_calve_accepts(schemas):
    assert wrong_at(schemas["contract.json"], contract()) == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        pytest.param({"sort_bye": []}, [], id="misspelt field"),
        pytest.param({"load": "merg"}, ["load"], id="misspelt word"),
        pytest.param(
            {"columns": [{"name": "a", "type": "bigint", "doc": ""}]}, ["columns", 0, "type"], id="unmapped type"
        ),
        pytest.param({"audit": [{"uniques": ["sale_id"]}]}, ["audit", 0], id="misspelt rule"),
        pytest.param({"sources": ["sale"]}, [], id="the model's own name of a field"),
    ],
)
def test_an_editor_marks_the_place_of_a_mistake(schemas, changes, place):
    assert wrong_at(schemas["contract.json"], contract(**changes)) == [place]


def test_an_editor_accepts_the_routes_of_this_project(schemas):
    routes = YAML(typ="safe").load(Path(__file__).parents[2] / "iceberg" / "alerts.yaml")
    assert routes["routes"]
    assert wrong_at(schemas["alerts.json"], routes) == []


@pytest.mark.parametrize(
    ("route", "place"),
    [
        pytest.param({"severity": ["error"]}, [], id="misspelt field"),
        pytest.param({"severities": ["fatal"]}, ["severities", 0], id="no such severity"),
        pytest.param({"slack": {"webhook": "https://hooks.example.com/T1"}}, ["slack"], id="the secret itself"),
        pytest.param({"mail": {"to": []}}, ["mail"], id="to nobody"),
    ],
)
def test_an_editor_marks_the_place_of_a_mistake_in_a_route(schemas, route, place):
    given = {"routes": [{"route": "on_call", **route}]}
    assert wrong_at(schemas["alerts.json"], given) == [["routes", 0, *place]]


def test_an_editor_shows_what_a_field_of_a_route_means(schemas):
    described = [*schemas["alerts.json"]["$defs"].values(), schemas["alerts.json"]]
    lacking = [name for part in described for name, said in part["properties"].items() if "description" not in said]
    assert lacking == []


def test_an_editor_shows_what_a_field_means(schemas):
    properties = schemas["contract.json"]["properties"]

    assert properties["from"]["description"] == "Sources whose changes change rows."
    assert schemas["source.json"]["description"] == "A table of an operational database, as it is extracted."


def test_schemas_are_written_below_the_project(tmp_path):
    paths = write_schemas(tmp_path, SCHEMAS)

    assert sorted(path.relative_to(tmp_path).as_posix() for path in paths) == [
        "iceberg/schema/alerts.json",
        "iceberg/schema/contract.json",
        "iceberg/schema/pipelines.json",
        "iceberg/schema/source.json",
    ]
