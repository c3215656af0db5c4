from datetime import date, datetime

import pytest

from transforms.dim_account import curate_dim_account

COLUMNS = (
    "account_key string, account_type string, facility_id int, "
    "created_at timestamp, updated_at timestamp, erased_at timestamp"
)


@pytest.fixture
def account(rows):
    """Return a function that curates one account."""

    def curate(created_at, updated_at, erased_at):
        frame = rows(COLUMNS, ("k1:ab", "RESIDENT", 3, created_at, updated_at, erased_at))
        return curate_dim_account(frame).collect()[0]

    return curate


def test_an_account_is_erased_from_the_moment_that_the_shop_says_so(account):
    assert account("2025-01-01 08:00:00", "2025-01-01 08:00:00", None)["is_erased"] is False
    assert account("2025-01-01 08:00:00", "2025-03-01 09:00:00", "2025-03-01 09:00:00")["is_erased"] is True


def test_a_change_after_the_erasure_shows(account):
    row = account("2025-01-01 08:00:00", "2025-05-01 11:00:00", "2025-03-01 09:00:00")
    assert row["changed_at"] > row["erased_at"] == datetime(2025, 3, 1, 9)


def test_the_date_of_creation_is_in_utc(account):
    assert account("2025-01-01 23:59:59", "2025-01-02 08:00:00", None)["created_on"] == date(2025, 1, 1)
