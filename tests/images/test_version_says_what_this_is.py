import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from calve.cli import cli
from calve.errors import ContractError

ROOT = Path(__file__).parents[2]


def said(*words):
    return json.loads(CliRunner().invoke(cli, ["version", "--json", *words], catch_exceptions=False).stdout)


def test_the_digest_is_that_of_validate():
    validated = CliRunner().invoke(cli, ["validate", "--json", "--project", str(ROOT)]).stdout

    assert said("--project", str(ROOT))["contract"] == json.loads(validated)["digest"]


def test_commit_and_image_are_those_that_the_build_left(monkeypatch):
    monkeypatch.setenv("CALVE_IMAGE_COMMIT", "0123abc")
    monkeypatch.setenv("CALVE_IMAGE", "calve/spark:0123456789ab")

    found = said("--project", str(ROOT))

    assert (found["commit"], found["image"]) == ("0123abc", "calve/spark:0123456789ab")


def test_versions_are_those_that_are_installed():
    from importlib.metadata import version

    assert said("--project", str(ROOT))["parts"]["psycopg"] == version("psycopg")


def test_the_versions_of_an_images_jars_are_told(tmp_path, monkeypatch):
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars/iceberg-spark-runtime-3.5_2.12-1.12.0.jar").touch()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))

    assert said("--project", str(ROOT))["parts"]["iceberg-spark-runtime-3.5_2.12.jar"] == "1.12.0"


def test_where_there_are_no_contracts_there_is_no_digest(tmp_path):
    assert said("--project", str(tmp_path))["contract"] is None


def test_a_mistake_in_a_contract_is_told_instead_of_a_digest(tmp_path):
    shutil.copytree(ROOT / "iceberg", tmp_path / "iceberg")
    (tmp_path / "iceberg/contracts/dim_date.yaml").write_text("dataset: [")

    with pytest.raises(ContractError, match=r"dim_date\.yaml"):
        CliRunner().invoke(cli, ["version", "--project", str(tmp_path)], catch_exceptions=False)


def test_a_command_of_the_other_half_says_where_it_is(monkeypatch):
    import importlib

    from calve.errors import SettingsError

    def absent(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(SettingsError, match=r"calve run: needs calve\.cli\.lake, which is not installed here"):
        CliRunner().invoke(cli, ["run"], catch_exceptions=False)
