"""`calve diff` tells every difference in what is declared, and what it means for tables that are published."""

import json
import shutil

import pytest
from click.testing import CliRunner

from calve.cli.contracts import diff
from calve.contract.loader import load_project

SALE = "iceberg/contracts/fct_sale.yaml"


@pytest.fixture
def told(shop, tmp_path):
    """Return a function that changes a file of a copy of the project and compares it with the first."""
    base = tmp_path / "base"
    shutil.copytree(shop.folder, base, ignore=lambda _, names: {"base"} & set(names))

    def run(*changes, options=("--json",)):
        for file, old, new in changes:
            shop.change(file, old, new)
        done = CliRunner().invoke(diff, [str(base), "--project", str(shop.folder), *options])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout) if options == ("--json",) else done.stdout

    return run


def test_comments_and_defaults_that_are_written_out_are_no_difference(told, shop):
    assert (
        told(
            (SALE, "else: warn}", "else: warn}  # as agreed"),
            (SALE, "- {complete: [sale_id, sold_at], else: block}", "- {complete: [sale_id, sold_at]}"),
        )
        == []
    )
    assert told(options=()) == "no difference\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "  - {name: sale_date,",
            "  - {name: tax, type: long, doc: Tax.}\n  - {name: sale_date,",
            ("columns.tax", None, "type long, doc Tax."),
        ),
        ('type: "decimal(12,2)"', 'type: "decimal(14,2)"', ("columns.amount.type", "decimal(12,2)", "decimal(14,2)")),
        (
            "  - {name: sale_date,  type: date,            doc: UTC date of sold_at.}\n",
            "",
            ("columns.sale_date", "type date, doc UTC date of sold_at.", None),
        ),
    ],
)
def test_a_column_that_comes_goes_or_changes_its_type_is_refused_by_the_published_table(told, shop, old, new, expected):
    if new == "":
        for each in ("contracts/agg_sale_day.yaml", "../spark_apps/transforms/agg_sale_day.py"):
            (shop.folder / "iceberg" / each).unlink()
    [found] = [one for one in told((SALE, old, new)) if one["field"] and one["name"] == "fct_sale"]
    assert (found["field"], found["before"], found["after"]) == expected
    assert "refuses the published table" in found["means"]


def test_what_makes_rows_otherwise_leaves_published_rows_as_they_are(told):
    [found] = told((SALE, "load: merge", "load: append"))
    assert (found["field"], found["before"], found["after"]) == ("load", "merge", "append")
    assert "--reprocess" in found["means"]


def test_a_transform_that_differs_is_named(told, shop):
    shop.change("spark_apps/transforms/fct_sale.py", "return sale", "return sale.distinct()")
    [found] = told()
    assert (found["kind"], found["name"]) == ("file", "spark_apps/transforms/fct_sale.py")
    assert "--reprocess" in found["means"]


def test_a_rule_is_found_by_what_it_says_wherever_it_stands(told):
    line = "  - {complete: [sale_id, sold_at], else: block}\n"
    budget = (SALE, "percent: 1, rows: 5", "percent: 2, rows: 5")
    [found] = told((SALE, line, ""), (SALE, "else: warn}\n", f"else: warn}}\n{line}"), budget)
    assert found["field"] == "audit.0 <= amount <= 1000.budget.percent"
    assert (found["before"], found["after"]) == ("1.0", "2.0")


def test_datasets_that_come_and_go_are_told_as_a_whole(told, shop):
    for file in ("iceberg/contracts/agg_sale_day.yaml", "spark_apps/transforms/agg_sale_day.py"):
        (shop.folder / file).unlink()
    assert told(options=()).splitlines() == [
        "contract agg_sale_day: removed",
        "file spark_apps/transforms/agg_sale_day.py: removed",
    ]


def test_a_comment_on_a_merge_request_is_a_table_whose_cells_hold_together(told):
    table = told((SALE, "doc: Price.", 'doc: "Net | gross."'), options=("--markdown",)).splitlines()
    assert table[0] == "| what | field | change | what follows |"
    assert table[2:] == [r"| contract `fct_sale` | `columns.amount.doc` | Price. -> Net \| gross. |  |"]


def test_a_digest_that_differs_has_a_difference(told, shop):
    before = load_project(shop.folder).digest
    found = told(("iceberg/sources/sale.yaml", "totals: [amount]\n", ""))
    assert load_project(shop.folder).digest != before
    assert [(one["kind"], one["field"], one["before"], one["after"]) for one in found] == [
        ("source", "totals", "amount", None)
    ]
