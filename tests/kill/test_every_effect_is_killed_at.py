"""A new effect without a case fails here: each is killed before and after, by this suite or by one that is named."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from effects_of_the_code import ELSEWHERE, KILLED_HERE, MOMENTS, OF_COMMANDS, RENAMES, effects, name_of
from machine import ROOT

EFFECTS = effects()
POINTS = {point.partition("@")[0] for points in KILLED_HERE.values() for point in points}
POINTS |= {f"{name}:{moment}" for name in OF_COMMANDS for moment in MOMENTS}


def suite_of(name: str) -> str | None:
    """Return the other suite that kills at all effects of the packages that this one is in."""
    suites = {suite for path in EFFECTS[name] for package, suite in ELSEWHERE.items() if path.is_relative_to(package)}
    return suites.pop() if len(suites) == 1 else None


@cache
def collected(suite: str) -> str:
    """Return the ids of the tests of a suite."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-o",
        "addopts=",
        "-p",
        "no:cacheprovider",
        suite,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_is_killed_at_before_and_after(name: str):
    here = {f"{name}:{moment}" for moment in MOMENTS} & POINTS
    if len(here) == len(MOMENTS):
        return
    if name in RENAMES:
        assert (ROOT / RENAMES[name]).exists()
        return
    suite = suite_of(name)
    assert suite, f"effect {name} of {EFFECTS[name]} has no case: add it to tests/kill/effects_of_the_code.py"
    ids = collected(suite).splitlines()
    assert any(f"{name}]" in line or f"{name}-" in line for line in ids), f"{suite} does not kill at {name}"
    for moment in MOMENTS:
        assert f'"{moment}"' in (ROOT / suite).read_text(), f"{suite} does not kill {moment} its effects"


def test_no_case_is_left_of_an_effect_that_is_gone():
    named = {name_of(point) for point in POINTS} | set(RENAMES)
    assert named <= set(EFFECTS)


def test_one_name_is_one_effect():
    """A failpoint that two packages pass would kill the first of them only."""
    packages = {name: {path.parent for path in paths} for name, paths in EFFECTS.items()}
    # The three writers of one page each of the docs.
    assert [name for name, found in packages.items() if len(found) > 1 and name != "docs.write"] == []


def test_a_name_that_is_no_literal_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("effects_of_the_code.SOURCE", tmp_path)
    (tmp_path / "module.py").write_text('with effect("a" if x else "b"):\n    pass\nwith effect(name):\n    pass\n')
    with pytest.raises(ValueError, match="found name, expected a literal"):
        effects()
    (tmp_path / "module.py").write_text('with effect("a" if x else "b"):\n    pass\n')
    assert list(effects()) == ["a", "b"]
