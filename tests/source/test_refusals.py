"""A step that would leave another state than a clean fill is refused, and changes nothing."""

from datetime import date

import psycopg
import pytest
from shop_reading import contents, day_of

from calve.errors import CalveError
from calve.standin.source import GeneratorError, create_schema, fill, plant


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param({"seed": 8}, "seed 7 and scale 0.02, asked for seed 8", id="another seed"),
        pytest.param({"scale": 0.03}, "asked for seed 7 and scale 0.03", id="another scale"),
        pytest.param({"until": day_of(29)}, "filled until 2025-01-31, asked for the earlier", id="a day before"),
        pytest.param({"until": date(2025, 1, 1)}, "not after the history's start", id="before the history"),
        pytest.param({"scale": 0.0}, "scale 0.0 is out of range", id="no scale"),
    ],
)
def test_a_step_that_does_not_follow_is_refused(filled, asked, message):
    shop = filled(30)
    before = contents(shop)
    with pytest.raises(GeneratorError, match=message):
        fill(shop, **{"until": day_of(31), "seed": 7, "scale": 0.02} | asked)
    assert contents(shop) == before


def test_an_unfilled_database_takes_no_defect(shop):
    with pytest.raises(GeneratorError, match="empty"):
        plant(shop, "negative_price", day=day_of(1))


def test_a_database_without_tables_says_how_to_get_them(new_database):
    with psycopg.connect(new_database()) as conn, pytest.raises(GeneratorError, match="create_schema"):
        fill(conn, until=day_of(1))


def test_a_refusal_is_a_data_error():
    assert issubclass(GeneratorError, CalveError)
    assert GeneratorError("").exit_code == 65


def test_a_fill_that_is_cut_off_leaves_nothing_behind(filled):
    shop = filled(30)
    before = contents(shop)
    shop.execute("create function refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end'")
    shop.execute("create trigger t before insert on control_total execute function refuse()")
    with pytest.raises(psycopg.errors.RaiseException):
        fill(shop, until=day_of(31), scale=0.02)
    shop.execute("drop trigger t on control_total")
    assert contents(shop) == before
    assert fill(shop, until=day_of(31), scale=0.02).since == day_of(30)


def test_a_connection_that_does_not_commit_by_itself_is_committed_for(new_database):
    address = new_database()
    with psycopg.connect(address) as conn:
        create_schema(conn)
        fill(conn, until=day_of(5), scale=0.02)
        with psycopg.connect(address) as other:
            assert other.execute("select until from generator.generator_state").fetchone() == (day_of(5),)
