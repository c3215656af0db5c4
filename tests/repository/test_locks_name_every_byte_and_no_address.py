import re

import pytest
from tree import text, tracked

LOCKS = [file for file in tracked() if re.fullmatch(r"requirements/.*\.txt", file)]


def test_there_are_locks():
    assert "requirements/dev.txt" in LOCKS
    assert "requirements/jars.lock" in tracked()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock):
    packages = re.split(r"^(?=[\w\[\]-]+==)", text(lock), flags=re.MULTILINE)[1:]

    assert len(packages) > 10
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


@pytest.mark.parametrize("lock", [*LOCKS, "requirements/jars.lock"])
def test_no_lock_holds_an_address(lock):
    assert "://" not in text(lock)


def test_every_jar_is_pinned_with_its_hash():
    lines = [line for line in text("requirements/jars.lock").splitlines() if line and not line.startswith("#")]

    assert len(lines) >= 4
    for line in lines:
        assert re.fullmatch(r"[0-9a-f]{64}  [\w.-]+:[\w.-]+:[\w.-]+", line), line
