"""A join that multiplies a row is found, also when one of the copies is the row as readers have it."""

from datetime import timedelta

import pytest
from pyspark.sql import functions as F
from the_history import HISTORY_END

pytestmark = [pytest.mark.spark, pytest.mark.local]


def test_a_second_image_of_a_row_that_did_not_change_is_not_taken_for_its_update(lake, monkeypatch):
    from transforms import dim_region

    right = dim_region.curate_dim_region

    def doubling(**inputs):
        rows = right(**inputs)
        return rows.unionByName(rows.where(F.col("region_id") == 1).withColumn("name", F.lit("Another")))

    monkeypatch.setattr(dim_region, "curate_dim_region", doubling)
    lake.fill(HISTORY_END + timedelta(days=1))
    found = lake.run("reference", since=HISTORY_END, mode="reprocess")["reference"]
    (verdict,) = [each for each in found if each.dataset == "dim_region"]
    assert {r.rule for r in verdict.results if r.outcome == "blocked"} == {"unique(region_id)", "unique(code)"}
