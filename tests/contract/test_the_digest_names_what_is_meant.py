import pytest

from calve.contract.loader import load_project

SALE = "iceberg/contracts/fct_sale.yaml"


@pytest.fixture
def before(shop):
    return load_project(shop.folder).digest


def test_comments_and_spacing_do_not_change_the_digest(shop, before):
    shop.change(SALE, "load: merge", "# by key\nload:   merge")

    assert load_project(shop.folder).digest == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param(SALE, "max: 1000", "max: 1001", id="a bound in a contract"),
        pytest.param("iceberg/sources/sale.yaml", "doc: Sales.", "doc: All sales.", id="a doc in a source"),
        pytest.param("iceberg/pipelines.yaml", '"30 0 * * *"', '"31 0 * * *"', id="a schedule"),
        pytest.param("spark_apps/transforms/fct_sale.py", "return sale", "return sale  # all", id="a transform"),
        pytest.param("iceberg/views/sale_daily.sql", "select 1", "select 2", id="a view"),
    ],
)
def test_every_declaration_transform_and_view_changes_the_digest(shop, before, file, old, new):
    shop.change(file, old, new)

    assert load_project(shop.folder).digest != before


def test_the_digest_is_the_same_wherever_the_project_lies(shop, before, tmp_path_factory):
    elsewhere = type(shop)(tmp_path_factory.mktemp("elsewhere"))
    for path in sorted(shop.folder.rglob("*.*"), reverse=True):
        if path.is_file():
            elsewhere.write(path.relative_to(shop.folder).as_posix(), path.read_text(encoding="utf-8"))

    assert load_project(elsewhere.folder).digest == before
    assert len(before) == 64
    assert load_project(elsewhere.folder).short_digest == before[:12]
