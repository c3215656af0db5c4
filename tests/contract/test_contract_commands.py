import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from calve.cli.contracts import docs, new, schema, validate
from calve.contract.loader import load_project
from calve.errors import ContractError

# What tests/transforms/conftest.py offers to the tests of this repository's transforms.
SPARK = """
import os
import pytest
from pyspark.sql import SparkSession
from calve.standin.local.java import spark_environment


@pytest.fixture
def spark():
    os.environ |= spark_environment()
    settings = {"spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.memory": "512m"}
    session = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    yield session
    session.stop()
"""


@pytest.fixture
def call(shop):
    """Return a function that runs a command on the small project."""

    def run(command, *words):
        return CliRunner().invoke(command, [*words, "--project", str(shop.folder)])

    return run


def test_validate_ends_with_0_and_the_digest_when_nothing_is_wrong(call, shop):
    result = call(validate)

    assert result.exit_code == 0
    digest = load_project(shop.folder).short_digest
    assert result.stdout == f"3 contracts, 2 sources, 2 pipelines: no mistakes (digest {digest})\n"


def test_validate_ends_with_65_and_every_mistake_on_the_error_stream(call, shop):
    shop.change("iceberg/contracts/fct_sale.yaml", "load: merge", "load: merg")

    result = call(validate)

    assert result.exit_code == 65
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "contracts: 1 mistake; correct the files below",
        "iceberg/contracts/fct_sale.yaml:8: load: found 'merg', expected one of append, merge, replace, snapshot; "
        "did you mean merge?",
    ]


def test_validate_tells_machines_the_same(call, shop):
    assert json.loads(call(validate, "--json").stdout) == {
        "valid": True,
        "mistakes": [],
        "digest": load_project(shop.folder).digest,
        "contracts": ["agg_sale_day", "dim_client", "fct_sale"],
        "sources": ["client", "sale"],
        "pipelines": ["people", "money"],
    }

    shop.change("iceberg/contracts/fct_sale.yaml", "load: merge", "load: 5")
    result = call(validate, "--json")

    assert result.exit_code == 65
    assert json.loads(result.stdout)["mistakes"] == [
        {
            "file": "iceberg/contracts/fct_sale.yaml",
            "line": 8,
            "field": "load",
            "text": "found 5, expected one of append, merge, replace, snapshot",
        }
    ]


def test_docs_and_schema_say_what_they_wrote(call, shop, tmp_path):
    assert call(docs, "--out", str(tmp_path / "out")).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["commands.md", "datasets.md", "settings.md"]
    assert call(schema).stdout.count("wrote ") == 4


@pytest.mark.parametrize(("source", "pipeline"), [("client", "people"), ("sale", "money")])
def test_a_new_dataset_is_valid_from_the_start(call, shop, source, pipeline):
    result = call(new, "fct_fresh", "--pipeline", pipeline, "--from", source)

    assert result.exit_code == 0, result.output
    assert load_project(shop.folder).contracts["fct_fresh"].sources == (source,)
    for file in (
        "iceberg/contracts/fct_fresh.yaml",
        "spark_apps/transforms/fct_fresh.py",
        "tests/transforms/test_fct_fresh.py",
    ):
        assert f"wrote {shop.folder / file}" in result.stdout


def test_a_new_pipeline_gets_its_first_dataset(call, shop):
    pipelines, sale = (shop.folder / "iceberg" / name for name in ("pipelines.yaml", "sources/sale.yaml"))
    people = pipelines.read_text().partition("- pipeline: money")[0]
    pipelines.write_text(pipelines.read_text() + people.replace("people", "spare"))
    shop.write("iceberg/sources/visit.yaml", sale.read_text().replace("source: sale", "source: visit"))

    result = call(new, "fct_visit", "--pipeline", "spare", "--from", "visit")

    assert result.exit_code == 0, result.output
    assert load_project(shop.folder).contracts["fct_visit"].pipeline == "spare"


@pytest.mark.parametrize("file", ["spark_apps/transforms/fct_fresh.py", "tests/transforms/test_fct_fresh.py"])
def test_new_overwrites_nothing_and_then_writes_nothing(call, shop, file):
    shop.write(file, "mine")

    result = call(new, "fct_fresh", "--pipeline", "money", "--from", "sale")

    assert isinstance(result.exception, ContractError)
    assert file in str(result.exception)
    assert (shop.folder / file).read_text() == "mine"
    assert not (shop.folder / "iceberg/contracts/fct_fresh.yaml").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("fct_sale", "--pipeline", "money", "--from", "sale"), "dataset fct_sale: the name is taken"),
        (("Fct", "--pipeline", "money", "--from", "sale"), "dataset 'Fct': expected 3 to 51 lower-case letters"),
        (("fct_new", "--pipeline", "mony", "--from", "sale"), "did you mean money?"),
        (("fct_new", "--pipeline", "money", "--from", "sales"), "did you mean sale?"),
        (("fct_new", "--pipeline", "people", "--from", "sale"), "source sale: belongs to pipeline money"),
    ],
)
def test_new_refuses_names_that_do_not_fit(call, shop, words, told):
    result = call(new, *words)

    assert isinstance(result.exception, ContractError)
    assert told in str(result.exception)
    assert len(list((shop.folder / "iceberg/contracts").iterdir())) == 3


@pytest.mark.spark
def test_the_test_of_a_new_dataset_passes(call, shop):
    call(new, "fct_fresh", "--pipeline", "money", "--from", "sale")
    shop.write("tests/transforms/conftest.py", SPARK)
    shop.write("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['spark_apps']\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/transforms"],
        capture_output=True,
        text=True,
        check=False,
        cwd=shop.folder,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr
