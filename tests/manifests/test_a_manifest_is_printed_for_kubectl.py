"""Over a real PostgreSQL, which only the engine's environment has."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from closed_schema import application_schema, mistakes
from recorded_runs import publish

from calve.cli import cli
from calve.contract.loader import load_project

ROOT = Path(__file__).parents[2]
DIGEST = load_project(ROOT).digest


@pytest.fixture
def command(recorded):
    """Return what runs `calve manifest …`, with a database that knows nothing yet."""
    pytest.importorskip("calve.cli.look", reason="needs the engine's packages", exc_type=ImportError)
    return lambda *words: CliRunner().invoke(cli, ["manifest", *words])


def test_what_is_printed_is_what_kubectl_takes(command):
    found = command("revenue", "--interval", "2026-01-02")

    assert (found.exit_code, found.stderr) == (0, "")
    (manifest,) = yaml.safe_load_all(found.stdout)
    assert mistakes(manifest, application_schema()) == []
    assert manifest["spec"]["arguments"] == ["--digest", DIGEST, "--run", "revenue@2026-01-02#0=take=changes"]
    assert manifest["metadata"]["name"] == "revenue-20260102-6b30c089-g0"


def test_what_is_published_is_not_made_again(command):
    publish("revenue@2026-01-02#0")

    found = command("revenue", "--interval", "2026-01-02")

    assert (found.exit_code, found.stdout) == (0, "")
    assert found.stderr == "nothing to do: everything asked for is published\n"


def test_what_is_published_is_made_again_when_asked_for(command):
    publish("revenue@2026-01-02#0")

    found = command("revenue", "--interval", "2026-01-02", "--reprocess")

    assert yaml.safe_load(found.stdout)["spec"]["arguments"][-1] == "revenue@2026-01-02#1=take=reprocess"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--interval", "2026-01-02", "--reprocess", "--reload"], "--reprocess computes everything, --reload a part"),
        (["--interval", "yesterday"], "interval 'yesterday'"),
        (["--interval", "2020-01-01"], "begins before pipeline revenue does"),
        (["--interval", "2026-01-02", "--scope", "facility_id=7"], "was not published as a whole"),
        (["--interval", "2026-01-02", "--datasets", "fct_payment"], "add --reprocess"),
        (["--interval", "2026-01-02", "--reprocess", "--datasets", ",fct_payment"], "found an empty name"),
        (["--interval", "2026-01-02", "--reprocess", "--datasets", "fct_paymet"], "did you mean fct_payment?"),
    ],
    ids=["two ways", "no date", "too early", "never whole", "another way", "no name", "no such dataset"],
)
def test_what_can_not_be_made_is_refused(command, words, said):
    found = command("revenue", *words)

    assert found.stdout == ""
    assert found.exception.exit_code == 65
    assert said in str(found.exception)


def test_without_an_interval_nothing_is_planned(command):
    assert command("revenue").exit_code == 2
