"""I7: published but not served is red; the lake keeps the publication, and the next run serves it.

The last file of this folder: it publishes a day.
"""

import pytest
from machine import NEXT_DAY, Machine, fill

from calve.errors import EX_TEMPFAIL
from unused_ports import free_ports

pytestmark = [pytest.mark.spark, pytest.mark.local]


def served(made: Machine) -> dict[str, int]:
    rows = made.snowflake("select distinct pipeline, publication from live.publication where is_served")
    return {row["pipeline"]: row["publication"] for row in rows}


def test_a_run_that_cannot_serve_is_red_and_the_next_one_serves(published, refuses):
    before = served(published)
    fill(published, NEXT_DAY)
    command = ("run", "reference", "--until", NEXT_DAY)
    said = refuses(published.calve(*command, CALVE_SNOWFLAKE_PORT=str(free_ports(1)[0])), EX_TEMPFAIL)
    assert "snowflake" in said
    assert published.publications()["reference"].number > before["reference"]
    assert served(published) == before
    assert "nothing to do" in published.done(*command).out
    assert served(published)["reference"] == published.publications()["reference"].number
