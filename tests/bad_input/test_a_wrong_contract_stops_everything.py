"""A mistake in contracts is told with its file and line, by `calve run` too, before anything is begun."""

import shutil
import subprocess
import sys

import pytest
from machine import FIRST_DAYS, ROOT

from calve.errors import EX_DATAERR

pytestmark = [pytest.mark.spark, pytest.mark.local]
CONTRACT = "iceberg/contracts/dim_region.yaml"


@pytest.fixture
def project(tmp_path):
    """A copy of the repository's project."""
    for name in ("iceberg", "spark_apps"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        pytest.param(CONTRACT, ("grain:", "grian:"), ("dim_region.yaml:", "grian", "grain"), id="typo"),
        pytest.param(CONTRACT, ("load:", "doc: Again.\nload:"), ("dim_region.yaml:", "doc"), id="duplicate key"),
        pytest.param(
            CONTRACT,
            ("region_id,        type: int", "region_id, type: money"),
            ("dim_region.yaml:", "money"),
            id="type",
        ),
        pytest.param(
            "iceberg/pipelines.yaml",
            ("- pipeline: reference", "- pipeline: reference\n  needs: [revenue]"),
            ("pipelines.yaml", "reference", "revenue"),
            id="cycle",
        ),
    ],
)
def test_the_message_names_file_and_field(losing_nothing, refuses, project, file, change, told):
    old, new = change
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    ended = losing_nothing.calve("run", "--until", FIRST_DAYS, CALVE_PROJECT=str(project))
    said = refuses(ended, EX_DATAERR)
    for part in told:
        assert part in said


def test_a_job_with_other_contracts_than_its_submitter_stops(losing_nothing, refuses):
    """The digest of another commit: the images of scheduler and Spark are not of one release."""
    from machine import Ended

    from calve.standin.local.jars import jar_paths
    from calve.standin.local.java import spark_environment

    command = [
        sys.executable,
        str(ROOT / "spark_apps" / "main.py"),
        "--digest",
        "0" * 64,
        "--run",
        "revenue@2025-01-08#0=1=changes",
    ]
    more = spark_environment() | {"CALVE_SPARK_JARS": ",".join(map(str, jar_paths()))}
    done = subprocess.run(
        command,
        env=losing_nothing.environment(more),
        cwd=losing_nothing.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = refuses(Ended(done.returncode, done.stdout, done.stderr), EX_DATAERR)
    assert "submitted with digest 0000" in said
    assert "deploy the image" in said
