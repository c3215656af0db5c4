"""What `calve docs` and `calve schema` write is in the repository as they would write it now."""

import ast
import re
from pathlib import Path

import pytest
from tree import ROOT, modules, text, tracked

from calve.alerts.schema import SCHEMAS
from calve.cli import cli
from calve.cli.reference import commands_page
from calve.contract.loader import load_project
from calve.contract.schema import schema_texts
from calve.report.dictionary import dictionary
from calve.report.settings_page import OTHERS, settings_page, undescribed
from calve.report.settings_page import variables as of_the_models

YAML = [file for file in tracked() if re.fullmatch(r"iceberg/(contracts/.*|sources/.*|pipelines|alerts)\.yaml", file)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_those_of_the_models(name):
    assert text(f"iceberg/schema/{name}") == schema_texts(SCHEMAS)[name], "run `calve schema`"


def test_the_data_dictionary_is_that_of_the_contracts():
    assert text("docs/datasets.md") == dictionary(load_project(ROOT)), "run `calve docs`"


def test_the_page_of_settings_is_that_of_the_model():
    assert text("docs/settings.md") == settings_page(), "run `calve docs`"


def test_the_page_of_commands_is_that_of_the_commands():
    assert text("docs/commands.md") == commands_page(cli), "run `calve docs`"


def test_every_setting_is_described():
    assert undescribed() == []


def test_every_variable_that_is_read_is_documented():
    read = {node.value for module in modules("src/", "spark_apps/") for node in variables(module.tree)}
    known = of_the_models() | set(OTHERS)

    assert sorted(read - known) == []


def variables(tree: ast.Module):
    """Yield the constants CALVE_... that are asked of an environment, or named as variable of an option or a part."""
    for node in ast.walk(tree):
        asked = []
        if isinstance(node, ast.Call):
            of_environment = ast.unparse(node.func).endswith(("environ.get", "getenv", "environ.setdefault"))
            asked += node.args[:1] if of_environment else []
            asked += [word.value for word in node.keywords if word.arg in ("envvar", "variable")]
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
            asked.append(node.slice)
        yield from (a for a in asked if isinstance(a, ast.Constant) and str(a.value).startswith("CALVE_"))


@pytest.mark.parametrize("file", YAML)
def test_a_yaml_file_names_its_schema_to_the_editor(file):
    kind = {"contracts": "../schema/contract.json", "sources": "../schema/source.json"}
    schema = kind.get(file.split("/")[1], f"schema/{Path(file).stem}.json")

    assert text(file).splitlines()[0] == f"# yaml-language-server: $schema={schema}"


def test_a_contract_fits_on_one_page():
    assert {file: n for file in YAML if (n := len(text(file).splitlines())) > 80} == {}


@pytest.mark.parametrize(
    "file", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs/architecture.md", "docs/operations.md"]
)
def test_the_pages_that_a_newcomer_looks_for_are_there(file):
    assert len(text(file)) > 200 if file in tracked() else False, f"{file} is missing"


def test_decisions_are_written_down():
    assert [file for file in tracked() if re.fullmatch(r"docs/adr/\d{4}-[a-z0-9-]+\.md", file)]


def test_links_between_pages_lead_somewhere():
    broken = [
        f"{file}: {target}"
        for file in tracked()
        if file.endswith(".md")
        for target in re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", text(file))
        if not ((ROOT / file).parent / target).exists()
    ]
    assert broken == []
