"""`calve source` does what its help says, against the database it is given."""

import json

import psycopg
import pytest
from click.testing import CliRunner
from shop_reading import contents

from calve.errors import SettingsError, SourceUnavailableError
from calve.standin.source import DEFECTS
from calve.standin.source.command import source


@pytest.fixture
def run(new_database, monkeypatch, tmp_path):
    """Return a function that runs `calve source` on an empty database and returns its output."""
    monkeypatch.setenv("CALVE_STATE", str(tmp_path))
    monkeypatch.setenv("CALVE_SOURCE_ADMIN_URL", new_database())

    def invoke(*arguments):
        result = CliRunner().invoke(source, arguments)
        if result.exception:
            raise result.exception
        return result.output

    return invoke


def test_fill_plant_and_repair_say_what_they_did(run, new_database):
    filled = run("fill", "--until", "2025-02-20", "--scale", "0.02")
    assert filled.startswith("source: filled until 2025-02-20\n  region ")
    assert "source: filled from 2025-02-20 until 2025-02-21\n" in run(
        "fill", "--until", "2025-02-21", "--scale", "0.02"
    )
    planted = run("plant", "control_total_cent", "--day", "2025-02-20")
    assert planted == "source: planted control_total_cent on 2025-02-20 (control_total 1); expected: blocked\n"
    assert run("repair") == "source: repaired control_total_cent\n"
    assert run("repair") == "source: repaired nothing, no defect is planted\n"


def test_defects_are_listed_with_their_verdicts(run):
    assert [line.split()[0] for line in run("defects").splitlines()] == list(DEFECTS)
    listed = json.loads(run("defects", "--json"))
    assert {entry["defect"]: entry["expected"] for entry in listed} == {d.name: d.expected for d in DEFECTS.values()}


def test_the_address_comes_from_the_local_engines_settings(run, new_database, monkeypatch, tmp_path):
    address = new_database()
    monkeypatch.delenv("CALVE_SOURCE_ADMIN_URL")
    (tmp_path / "settings.json").write_text(json.dumps({"source_admin_url": address}))
    run("fill", "--until", "2025-01-03", "--scale", "0.02")
    with psycopg.connect(address) as conn:
        assert contents(conn)["sales_order"].count(b"\n") > 2


def test_without_an_address_it_says_where_it_looked(run, monkeypatch):
    monkeypatch.delenv("CALVE_SOURCE_ADMIN_URL")
    with pytest.raises(SettingsError, match="calve local up"):
        run("repair")


def test_a_database_that_is_down_may_be_tried_again(run, monkeypatch, tmp_path):
    monkeypatch.setenv("CALVE_SOURCE_ADMIN_URL", f"postgresql://shop@/shop?host={tmp_path}")
    with pytest.raises(SourceUnavailableError, match="no connection") as refused:
        run("repair")
    assert refused.value.retryable
