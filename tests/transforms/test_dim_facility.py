from transforms.dim_facility import curate_dim_facility

COLUMNS = (
    "facility_id int, code string, name string, facility_type string, region_id int, timezone string, capacity int, "
    "status string, opened_on date, closed_on date, updated_at timestamp, is_deleted boolean"
)
INN = ("H12", "Inn", "HOSPITALITY", 4, "America/Phoenix", 140)


def test_closed_and_deleted_facilities_stay_so_that_their_sales_keep_a_name(rows):
    facilities = rows(
        COLUMNS,
        (1, *INN, "OPEN", "2020-01-01", None, "2025-01-01", False),
        (2, *INN, "CLOSED", "2020-01-01", "2025-02-15", "2025-02-15", False),
        (3, *INN, "OPEN", "2020-01-01", None, "2025-01-01", True),
    )
    found = {
        (row["facility_id"], row["status"], row["is_deleted"]) for row in curate_dim_facility(facilities).collect()
    }
    assert found == {(1, "OPEN", False), (2, "CLOSED", False), (3, "OPEN", True)}
