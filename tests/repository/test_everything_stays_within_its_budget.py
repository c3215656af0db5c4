import ast

from tree import modules, text

MODULE_LINES, FUNCTION_LINES, PARAMETERS, README_LINES = 300, 40, 6, 180


def test_a_module_has_at_most_300_lines():
    assert [(m.file, n) for m in modules() if (n := len(m.text.splitlines())) > MODULE_LINES] == []


def test_a_function_has_at_most_40_lines_besides_its_docstring():
    long = [
        f"{m.file}:{f.lineno} {f.name} {lines}"
        for m in modules()
        for f in m.functions
        if (lines := f.end_lineno - f.lineno + 1 - docstring_lines(f)) > FUNCTION_LINES
    ]
    assert long == []


def docstring_lines(function: ast.FunctionDef) -> int:
    first = function.body[0]
    return first.end_lineno - first.lineno + 1 if ast.get_docstring(function) else 0


def test_a_function_has_at_most_6_parameters():
    assert [
        (f"{m.file}:{f.lineno}", f.name) for m in modules("src/", "spark_apps/") for f in m.functions if too_many(f)
    ] == []


def too_many(function: ast.FunctionDef) -> bool:
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls", "ctx")]) > PARAMETERS


def test_the_readme_has_at_most_180_lines():
    assert len(text("README.md").splitlines()) <= README_LINES
