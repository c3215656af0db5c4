import ast
import re
import sys
from pathlib import PurePosixPath

import pytest
from tree import CODE, modules, text, tracked

BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "core"}


@pytest.mark.parametrize("module", modules(*CODE), ids=lambda module: module.file)
def test_a_module_opens_with_a_docstring(module):
    assert module.text.strip() == "" or ast.get_docstring(module.tree)


def test_no_module_or_folder_has_a_name_that_says_nothing():
    files = [file for file in tracked() if file.endswith(".py")]

    assert [file for file in files if BANNED & set(PurePosixPath(file).with_suffix("").parts)] == []


def test_nothing_that_spark_puts_on_the_path_hides_a_standard_module():
    names = {PurePosixPath(f).parts[1].removesuffix(".py") for f in tracked() if f.startswith(("spark_apps/", "dags/"))}

    assert names & set(sys.stdlib_module_names) == set()


def test_a_transform_imports_nothing_but_pyspark_and_the_standard_library():
    allowed = {"pyspark", "transforms", *sys.stdlib_module_names}

    for module in modules("spark_apps/transforms/"):
        imported = {
            name.split(".")[0]
            for node in ast.walk(module.tree)
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }
        assert imported <= allowed, module.file


def test_nothing_is_left_to_do_and_no_test_sleeps():
    marks = re.compile(r"# *.*\b(TO" + "DO|FIX" + "ME|X" + r"XX)\b")
    naps = re.compile(r"\btime\.sleep\(|^from time import .*\bsleep\b", re.MULTILINE)

    assert [m.file for m in modules() if marks.search(m.text)] == []
    assert [m.file for m in modules("tests/") if naps.search(m.text)] == []


def test_every_external_effect_is_named_by_a_literal():
    """Failpoints are listed from the source, so a computed name would hide one."""
    for module in modules("src/"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "effect":
                (name,) = node.args
                said = [part for part in (name, getattr(name, "body", None), getattr(name, "orelse", None)) if part]
                literals = [part.value for part in said if isinstance(part, ast.Constant)]
                where = f"{module.file}:{node.lineno}: {ast.unparse(name)}"
                assert isinstance(name, ast.Constant | ast.IfExp), where
                assert literals, where
                assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", literal) for literal in literals), where


def test_every_view_begins_with_its_meaning_and_grain():
    for file in tracked():
        if file.startswith("iceberg/views/"):
            assert text(file).startswith("-- "), file
            assert "grain" in text(file).split("create or replace")[0].lower(), file
