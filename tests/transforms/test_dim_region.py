from transforms.dim_region import curate_dim_region

COLUMNS = "region_id int, code string, name string, parent_region_id int, updated_at timestamp"


def test_a_region_carries_the_name_of_the_one_above(rows):
    regions = rows(COLUMNS, (1, "US", "United States", None, "2025-01-01"), (3, "US-EAST", "US East", 1, "2025-01-01"))
    found = {row["region_id"]: row["parent_name"] for row in curate_dim_region(regions).collect()}
    assert found == {1: None, 3: "United States"}


def test_a_region_below_an_unknown_one_stays(rows):
    regions = rows(COLUMNS, (3, "US-EAST", "US East", 1, "2025-01-01"))
    assert [row["region_id"] for row in curate_dim_region(regions).collect()] == [3]
