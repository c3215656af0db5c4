"""Views come from files; each after those that it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.errors import ContractError
from calve.warehouse.names import Names
from calve.warehouse.views import outdated, read_views, ready, tables_still_read, tables_under

NAMES = Names("CALVE", "V", "I", "U")


def write(folder: Path, **bodies: str) -> Path:
    for name, body in bodies.items():
        (folder / f"{name}.sql").write_text(f"-- Says.\ncreate or replace view reporting.{name} as\n{body};\n")
    return folder


def test_a_view_follows_those_that_it_reads(tmp_path):
    folder = write(
        tmp_path,
        a_year="select m.x from reporting.b_month as m",
        b_month="select d.x from reporting.c_day as d",
        c_day="select s.x from live.fct_sale as s",
    )
    views = read_views(folder)
    assert [view.name for view in views] == ["C_DAY", "B_MONTH", "A_YEAR"]
    assert tables_under(views)["A_YEAR"] == {"FCT_SALE"}


def test_names_in_comments_and_texts_are_no_references(tmp_path):
    folder = write(tmp_path, v="-- not live.a\nselect 'it''s live.b' as t /* live.c */ from live.d as d")
    assert read_views(folder)[0].tables == {"D"}


def test_a_view_of_a_dataset_never_published_waits_and_so_do_those_on_it(tmp_path):
    folder = write(tmp_path, v="select 1 as x from live.a as a", w="select 1 as x from reporting.v as v")
    views = read_views(folder)
    assert ready(views, frozenset()) == []
    assert [view.name for view in ready(views, frozenset({"A"}))] == ["V", "W"]


def test_only_a_changed_text_is_replaced(tmp_path):
    (view,) = read_views(write(tmp_path, v="select a.x from live.a as a"))
    statement = view.statement(NAMES)
    assert outdated([view], {"V": statement + " ;"}, NAMES) == []
    assert outdated([view], {"V": statement.replace("a.x", "a.y")}, NAMES) == [view]
    assert outdated([view], {}, NAMES) == [view]


def test_grants_survive_the_replacement(tmp_path):
    (view,) = read_views(write(tmp_path, v="select a.x from live.a as a"))
    assert view.statement(NAMES) == (
        "CREATE OR REPLACE VIEW CALVE.REPORTING.V COPY GRANTS AS /* calve */\nselect a.x from live.a as a"
    )


def test_deployed_views_name_the_tables_that_must_stay():
    texts = {"V": "CREATE VIEW V AS select 1 from live.old_one -- live.gone\n join LIVE.Other on true"}
    assert tables_still_read(texts) == {"OLD_ONE", "OTHER"}


@pytest.mark.parametrize(
    ("bodies", "message"),
    [
        pytest.param({"a": "select 1 from reporting.b", "b": "select 1 from reporting.a"}, "a -> b -> a", id="circle"),
        pytest.param({"a": "select 1 from reporting.gone"}, r"reporting\.gone, expected a view", id="absent"),
    ],
)
def test_a_wrong_reference_is_named(tmp_path, bodies, message):
    with pytest.raises(ContractError, match=message):
        read_views(write(tmp_path, **bodies))


def test_a_file_that_is_another_view_is_refused(tmp_path):
    (tmp_path / "a.sql").write_text("create or replace view reporting.b as select 1 as x")
    with pytest.raises(ContractError, match=r"create or replace view reporting\.a as"):
        read_views(tmp_path)


def test_the_views_of_this_project_can_be_read():
    folder = Path(__file__).parents[2] / "iceberg" / "views"
    assert {view.name for view in read_views(folder)} >= {"REVENUE_DAILY", "PUBLICATION", "DATA_QUALITY"}
