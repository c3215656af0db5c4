"""What only Spark can find wrong in a contract or a transform ends the run with words and 65; nobody sees any of it.

`calve validate` parses the SQL of rules and knows the columns; which functions there are, Spark alone knows.
"""

import shutil

import pytest
from machine import NEXT_DAY, ROOT

from calve.errors import EX_DATAERR

pytestmark = [pytest.mark.spark, pytest.mark.local]
CONTRACT = "iceberg/contracts/dim_region.yaml"
TRANSFORM = "spark_apps/transforms/dim_region.py"


@pytest.fixture
def project(tmp_path):
    """A copy of the repository's project."""
    for name in ("iceberg", "spark_apps"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        pytest.param(
            CONTRACT,
            (
                'parent_region_id is null or parent_name is not null", else: block',
                'length_of(code) > 0", else: quarantine',
            ),
            ("contract iceberg/contracts/dim_region.yaml: ", "`length_of`"),
            id="a function that is not there",
        ),
        pytest.param(
            TRANSFORM,
            ('F.col("name")', 'F.col("naem")'),
            ("transform spark_apps/transforms/dim_region.py:", "`naem`"),
            id="a column that is not there",
        ),
    ],
)
def test_the_message_names_what_spark_refuses(losing_nothing, refuses, project, file, change, told):
    old, new = change
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    ended = losing_nothing.calve("run", "reference", "--until", NEXT_DAY, CALVE_PROJECT=str(project))
    said = refuses(ended, EX_DATAERR)
    for part in told:
        assert part in said
