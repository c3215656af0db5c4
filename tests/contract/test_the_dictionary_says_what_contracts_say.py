import pytest

from calve.contract.loader import load_project
from calve.contract.rules import KINDS
from calve.report.dictionary import dictionary, write_dictionary
from calve.report.rule_words import consequence_of, promise_of


@pytest.fixture
def page(shop):
    return dictionary(load_project(shop.folder))


def test_a_column_stands_with_type_snowflake_type_unit_and_meaning(page):
    assert "| `amount` | decimal(12,2) | NUMBER(12,2) | EUR | Price. |" in page
    assert "| **`client_key`** | string | VARCHAR(134217728) |  | Keyed hash of the client. Domain client. |" in page
    assert "| `sold_at` | timestamptz | TIMESTAMP_LTZ(6) |  | When. Never changes. |" in page


def test_an_owner_and_the_way_of_loading_stand_with_the_dataset(page):
    assert "| owner | money-data; alerts go to money |" in page
    assert "| derived from | [fct_sale](#fct_sale) |" in page


def test_lineage_is_drawn_from_source_to_dataset(page):
    assert "    s_sale --> fct_sale\n" in page
    assert "    dim_client -.-> fct_sale\n" in page
    assert "    fct_sale --> agg_sale_day\n" in page


def test_a_restricted_column_is_said_not_to_land(page):
    assert "| `full_name` | string | restricted | nothing | Name. |" in page
    assert "| `client_id` | long | restricted | `client_key`, keyed hash of domain client | Client. |" in page


RULES = [
    ("complete", {"complete": ["a", "b"]}, "Always known: `a`, `b`."),
    ("complete", {"complete": ["a"], "min_percent": 95.0}, "In 95 % of rows known: `a`."),
    ("unique", {"unique": ["a", "b"]}, "No two rows share `a` and `b`."),
    ("between", {"between": "a", "min": 0, "max": 9}, "`a` is at least 0 and at most 9."),
    ("between", {"between": "a", "max": 9}, "`a` is at most 9."),
    ("one_of", {"one_of": "a", "values": ["X", "Y"]}, "`a` is one of `X`, `Y`."),
    ("matches", {"matches": "a", "pattern": "[A-Z]+"}, "`a` has the form `[A-Z]+`."),
    ("sql", {"sql": "a > b"}, "`a > b`"),
    ("refers", {"refers": "a", "to": "dim"}, "`a` is found in [dim](#dim)."),
    (
        "volume",
        {"volume": "at", "per": "f", "min_percent": 60.0, "max_percent": 180.0, "min_expected": 15},
        "Rows per UTC day of `at` of each `f`: at least 60 % and at most 180 % of the median of the same weekday in "
        "the four weeks before (where that is 15 or more).",
    ),
    (
        "drift",
        {"drift": "a", "at": "t", "per": "p", "max_percent": 50.0},
        "The mean of `a` of each `p` moves by at most 50 % against the four weeks before (from 5 rows on).",
    ),
    ("fresh", {"fresh": "at", "hours": 30.0}, "The newest `at` lies within 30 hours of the interval's end."),
    (
        "conserve",
        {"conserve": "a", "of": "d", "equals": "b", "where": "c"},
        "The sum of `a` equals that of `b` in [d](#d) where `c`.",
    ),
]


@pytest.mark.parametrize(("kind", "rule", "words"), RULES)
def test_a_rule_is_told_in_words(kind, rule, words):
    as_tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in rule.items()}

    assert promise_of(KINDS[kind].model_validate(as_tuples)) == words


def test_every_kind_of_rule_has_words():
    assert {kind for kind, _, _ in RULES} == set(KINDS)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"else": "block"}, "nothing is published"),
        ({"else": "warn"}, "published, with a warning"),
        ({"else": "quarantine"}, "the rows go to quarantine; one is enough to publish nothing"),
        (
            {"else": "quarantine", "budget": {"percent": 0.1, "rows": 5}},
            "the rows go to quarantine; above 0.1 % and 5 rows nothing is published",
        ),
    ],
)
def test_what_follows_from_a_broken_rule_is_told(given, words):
    assert consequence_of(KINDS["sql"].model_validate({"sql": "a > b", **given})) == words


def test_the_same_contracts_give_the_same_bytes(shop, tmp_path):
    first, second = (
        write_dictionary(load_project(shop.folder), tmp_path / name).read_bytes() for name in ("one", "two")
    )

    assert first == second
