from datetime import date, datetime
from decimal import Decimal

import pytest

from transforms.fct_payment import curate_fct_payment

PAYMENT = (
    "payment_id bigint, order_id bigint, type string, amount decimal(12,2), settled_at timestamp, created_at timestamp"
)
ORDER = "order_id bigint, account_key string, facility_id int, ordered_at timestamp, status string, currency string"


@pytest.fixture
def curated(rows):
    """Return a function that curates one payment of one order, settled in the first minutes of 10 January, UTC."""

    def curate(*, known_order=1):
        payment = (11, 1, "REFUND", "8.13", "2026-01-10 00:10:00", "2026-01-12 09:00:00")
        (row,) = curate_fct_payment(
            payment=rows(PAYMENT, payment),
            sales_order=rows(ORDER, (known_order, "k1:ab", 1, "2026-01-02 12:00:00", "REFUNDED", "USD")),
            dim_facility=rows("facility_id int, timezone string", (1, "America/New_York")),
        ).collect()
        return row

    return curate


def test_a_payment_takes_facility_buyer_and_currency_from_its_order(curated):
    row = curated()
    assert (row["facility_id"], row["account_key"], row["currency"], row["amount"]) == (
        1,
        "k1:ab",
        "USD",
        Decimal("8.13"),
    )


def test_a_payment_counts_on_the_local_date_of_its_settlement_however_late_it_became_known(curated):
    assert curated()["business_date"] == date(2026, 1, 9)


def test_a_payment_of_an_unknown_order_stays_for_the_audit_to_judge(curated):
    row = curated(known_order=2)
    assert (row["facility_id"], row["currency"], row["business_date"]) == (None, None, date(2026, 1, 10))


def test_the_time_of_the_source_is_when_the_payment_became_known(curated):
    assert curated()["_source_at"] == datetime(2026, 1, 12, 9)
