from datetime import date, datetime
from decimal import Decimal

import pytest

from transforms.fct_order_line import curate_fct_order_line

LINE = (
    "order_id bigint, line_no int, product_id int, title_id int, ordered_at timestamp, qty int, "
    "unit_price decimal(12,2), discount decimal(12,2), tax decimal(12,2), net_amount decimal(12,2), "
    "updated_at timestamp, is_deleted boolean"
)
ORDER = (
    "order_id bigint, account_key string, facility_id int, ordered_at timestamp, status string, currency string, "
    "total_amount decimal(12,2), updated_at timestamp"
)
FACILITY = "facility_id int, timezone string, opened_on date, closed_on date"
PRODUCT = "product_id int, list_price decimal(12,2)"
NOON = "2026-01-10 12:00:00"


@pytest.fixture
def curated(rows):
    """Return a function that curates one line of one order."""

    def curate(
        *,
        status="PAID",
        ordered_at=NOON,
        changed_at=NOON,
        price="4.00",
        product=7,
        facility=1,
        zone="America/New_York",
        closed_on=None,
        known_order=1,
    ):
        line = (1, 1, 7, None, ordered_at, 2, price, "0.50", "0.63", "7.50", NOON, False)
        order = (known_order, "k1:ab", facility, ordered_at, status, "USD", "8.13", changed_at)
        (row,) = curate_fct_order_line(
            sales_order_line=rows(LINE, line),
            sales_order=rows(ORDER, order),
            dim_facility=rows(FACILITY, (1, zone, "2020-01-01", closed_on)),
            dim_product=rows(PRODUCT, (product, "4.00")),
        ).collect()
        return row

    return curate


def test_gross_is_net_and_tax(curated):
    assert curated()["gross_amount"] == Decimal("8.13")


@pytest.mark.parametrize(
    ("ordered_at", "zone", "expected"),
    [
        pytest.param(
            "2026-01-10 04:59:59", "America/New_York", date(2026, 1, 9), id="still the day before in New York"
        ),
        pytest.param("2026-01-10 05:00:00", "America/New_York", date(2026, 1, 10), id="midnight in New York"),
        pytest.param("2026-07-10 04:00:00", "America/New_York", date(2026, 7, 10), id="midnight in New York's summer"),
        pytest.param("2026-01-10 22:00:00", "Europe/Athens", date(2026, 1, 11), id="already the next day in Athens"),
    ],
)
def test_the_business_date_is_the_facilitys_local_date(curated, ordered_at, zone, expected):
    assert curated(ordered_at=ordered_at, zone=zone)["business_date"] == expected


@pytest.mark.parametrize("status", ["PAID", "REFUNDED", "PARTIAL", "CHARGEBACK"])
def test_a_line_is_sold_once_its_order_is_past_pending(curated, status):
    assert curated(status=status)["is_sold"] is True


def test_a_line_of_a_pending_order_is_there_and_not_sold(curated):
    assert curated(status="PENDING")["is_sold"] is False


def test_a_refund_of_the_order_changes_nothing_in_its_lines(curated):
    before = curated(status="PAID", changed_at=NOON).asDict()
    after = curated(status="REFUNDED", changed_at="2026-03-01 09:00:00").asDict()
    assert after.pop("_source_at") == datetime(2026, 3, 1, 9)
    before.pop("_source_at")
    assert after == before


@pytest.mark.parametrize(
    ("price", "plausible"),
    [pytest.param("12.36", True, id="a price list tripled"), pytest.param("400.00", False, id="cents as dollars")],
)
def test_a_price_in_cents_is_told_from_a_dear_one(curated, price, plausible):
    assert curated(price=price)["is_price_plausible"] is plausible


@pytest.mark.parametrize(
    ("closed_on", "was_open"),
    [
        pytest.param(None, True, id="open"),
        pytest.param("2026-01-11", True, id="closes tomorrow"),
        pytest.param("2026-01-10", False, id="closed today"),
    ],
)
def test_a_sale_at_a_closed_facility_is_told(curated, closed_on, was_open):
    assert curated(closed_on=closed_on)["was_facility_open"] is was_open


def test_a_line_of_an_unknown_order_stays_for_the_audit_to_judge(curated):
    row = curated(known_order=2)
    assert (row["facility_id"], row["currency"], row["is_sold"]) == (None, None, False)
    assert (row["ordered_at"], row["business_date"]) == (datetime(2026, 1, 10, 12), date(2026, 1, 10))


@pytest.mark.parametrize("unknown", [{"product": 8}, {"facility": 2}, {"facility": None}], ids=str)
def test_what_is_unknown_breaks_one_rule_and_not_the_others_too(curated, unknown):
    row = curated(**unknown)
    assert (row["is_price_plausible"], row["was_facility_open"], row["business_date"]) == (
        True,
        True,
        date(2026, 1, 10),
    )
