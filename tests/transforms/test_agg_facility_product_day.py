from datetime import date
from decimal import Decimal

import pytest

from transforms.agg_facility_product_day import curate_agg_facility_product_day

LINE = (
    "order_id bigint, line_no int, ordered_at timestamp, business_date date, facility_id int, product_id int, "
    "currency string, qty int, gross_amount decimal(12,2), is_sold boolean"
)
PAYMENT = (
    "payment_id bigint, order_id bigint, payment_type string, business_date date, facility_id int, "
    "ordered_at timestamp, currency string, amount decimal(12,2)"
)
SOLD_ON, REFUNDED_ON = "2026-01-10", "2026-02-03"
MONEY = ("product_id", "gross_amount", "refund_amount", "net_revenue")


def line(line_no, product, gross, *, order=1, day=SOLD_ON, currency="USD", sold=True):
    return (order, line_no, f"{day} 12:00:00", day, 1, product, currency, 1, gross, sold)


def refund(amount, *, order=1, kind="REFUND", day=REFUNDED_ON, ordered=SOLD_ON, payment=1):
    return (payment, order, kind, day, 1, f"{ordered} 12:00:00", "USD", amount)


@pytest.fixture
def curated(rows):
    """Return a function that adds up lines and payments over some dates, and returns the given columns per date."""

    def curate(lines=(), payments=(), *, dates=(SOLD_ON, REFUNDED_ON), show=MONEY):
        found = curate_agg_facility_product_day(
            fct_order_line=rows(LINE, *lines),
            fct_payment=rows(PAYMENT, *payments),
            dates=rows("business_date date", *((day,) for day in dates)),
        ).orderBy("business_date", "product_id", "currency")
        by_date = {}
        for row in found.collect():
            values = tuple(str(v) if isinstance(v, Decimal) else v for v in (row[name] for name in show))
            by_date.setdefault(str(row["business_date"]), []).append(values)
        return by_date

    return curate


def shares(curated, lines, *payments):
    """Return the refund per product on the date of the refund."""
    found = curated(lines, payments, show=("product_id", "refund_amount"))
    return dict(found.get(REFUNDED_ON, []))


def test_sales_add_up_per_product_and_currency(curated):
    lines = [line(1, 7, "8.00"), line(2, 7, "1.50"), line(3, 9, "2.00"), line(1, 7, "5.00", order=2, currency="EUR")]
    show = ("product_id", "currency", "line_count", "quantity", "gross_amount")
    assert curated(lines, show=show) == {
        SOLD_ON: [(7, "EUR", 1, 1, "5.00"), (7, "USD", 2, 2, "9.50"), (9, "USD", 1, 1, "2.00")]
    }


def test_lines_of_pending_orders_never_count(curated):
    assert curated([line(1, 7, "8.00", sold=False)]) == {}


def test_a_refund_counts_on_the_date_of_its_settlement_and_leaves_the_sale(curated):
    assert curated([line(1, 7, "8.00")], [refund("3.00")]) == {
        SOLD_ON: [(7, "8.00", "0.00", "8.00")],
        REFUNDED_ON: [(7, "0.00", "3.00", "-3.00")],
    }


def test_a_chargeback_is_a_refund_and_a_charge_is_none(curated):
    payments = [refund("8.00", kind="CHARGEBACK"), refund("8.00", kind="CHARGE", payment=2)]
    assert shares(curated, [line(1, 7, "8.00")], *payments) == {7: "8.00"}


def test_only_the_given_dates_are_computed(curated):
    found = curated([line(1, 7, "8.00")], [refund("3.00")], dates=[REFUNDED_ON])
    assert list(found) == [REFUNDED_ON]


def test_nothing_asked_is_nothing_computed(curated):
    assert curated([line(1, 7, "8.00")], [refund("3.00")], dates=[]) == {}


@pytest.mark.parametrize(
    ("grosses", "amount", "expected"),
    [
        pytest.param(["6.00", "2.00"], "4.00", ["3.00", "1.00"], id="even"),
        pytest.param(["1.00", "1.00", "1.00"], "1.00", ["0.33", "0.34", "0.33"], id="thirds"),
        pytest.param(["1.00", "1.00"], "0.01", ["0.01", "0.00"], id="half a cent goes up"),
        pytest.param(["0.01", "99.99"], "50.00", ["0.01", "49.99"], id="small and large"),
        pytest.param(["8.00", "0.00"], "8.00", ["8.00", None], id="a line that was free"),
        pytest.param(["2.00", "2.00"], "10.00", ["5.00", "5.00"], id="more than what is left of the order"),
        pytest.param(["9999999.99", "9999999.98"], "9999999.97", ["4999999.99", "4999999.98"], id="large amounts"),
    ],
)
def test_a_refund_is_shared_out_to_the_cent(curated, grosses, amount, expected):
    lines = [line(n, n, gross) for n, gross in enumerate(grosses, start=1)]
    found = shares(curated, lines, refund(amount))
    assert found == {n: share for n, share in enumerate(expected, start=1) if share is not None}
    assert sum(map(Decimal, found.values())) == Decimal(amount)


def test_shares_follow_line_numbers_whatever_the_order_of_arrival(curated):
    lines = [line(3, 3, "1.00"), line(1, 1, "1.00"), line(2, 2, "1.00")]
    assert shares(curated, lines, refund("1.00")) == {1: "0.33", 2: "0.34", 3: "0.33"}


def test_two_refunds_of_an_order_are_shared_out_each(curated):
    lines = [line(1, 1, "1.00"), line(2, 2, "1.00")]
    assert shares(curated, lines, refund("0.01"), refund("0.01", payment=2)) == {1: "0.02", 2: "0.00"}


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="all deleted"),
        pytest.param([line(1, 7, "0.00")], id="all free"),
        pytest.param([line(1, 7, "8.00", order=2)], id="of another order"),
    ],
)
def test_a_refund_without_a_line_to_share_by_belongs_to_no_product(curated, lines):
    assert shares(curated, lines, refund("3.00")) == {0: "3.00"}


def test_an_old_orders_refund_finds_its_lines(curated):
    lines = [line(1, 7, "8.00", day="2025-11-02")]
    assert shares(curated, lines, refund("3.00", ordered="2025-11-02")) == {7: "3.00"}


def test_the_dates_are_dates(curated, rows):
    found = curate_agg_facility_product_day(
        fct_order_line=rows(LINE, line(1, 7, "8.00")),
        fct_payment=rows(PAYMENT),
        dates=rows("business_date date", (SOLD_ON,), (SOLD_ON,)),
    ).collect()
    assert [(row["business_date"], row["line_count"]) for row in found] == [(date(2026, 1, 10), 1)]
