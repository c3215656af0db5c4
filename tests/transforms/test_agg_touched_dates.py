import pytest

from transforms.agg_facility_product_day import touched_agg_facility_product_day

LINE = "order_id bigint, line_no int, business_date date"
PAYMENT = "payment_id bigint, order_id bigint, payment_type string, business_date date"
OLD_REFUND = (12, 1, "REFUND", "2026-02-03")
OLD_CHARGE = (11, 1, "CHARGE", "2026-01-10")


@pytest.fixture
def touched(rows):
    """Return a function that names the dates which changed lines and payments touch."""

    def dates(*, lines=(), payments=(), all_payments=()):
        found = touched_agg_facility_product_day(
            {"fct_order_line": rows(LINE, *lines), "fct_payment": rows(PAYMENT, *payments)},
            fct_order_line=rows(LINE, *lines),
            fct_payment=rows(PAYMENT, *all_payments),
        )
        return sorted(str(row["business_date"]) for row in found.collect())

    return dates


def test_a_changed_line_touches_its_date(touched):
    assert touched(lines=[(1, 1, "2026-01-10")]) == ["2026-01-10"]


def test_both_images_of_a_line_that_moved_touch_their_dates(touched):
    assert touched(lines=[(1, 1, "2026-01-10"), (1, 1, "2026-01-11")]) == ["2026-01-10", "2026-01-11"]


def test_a_changed_payment_touches_its_date(touched):
    assert touched(payments=[OLD_REFUND], all_payments=[OLD_REFUND]) == ["2026-02-03"]


def test_a_changed_line_touches_the_dates_on_which_its_order_was_refunded(touched):
    found = touched(lines=[(1, 1, "2026-01-10")], all_payments=[OLD_REFUND, (22, 2, "REFUND", "2026-02-04")])
    assert found == ["2026-01-10", "2026-02-03"]


def test_a_charge_of_the_order_is_not_shared_out_anew(touched):
    assert touched(lines=[(1, 1, "2026-01-09")], all_payments=[OLD_CHARGE]) == ["2026-01-09"]


def test_no_change_touches_nothing(touched):
    assert touched(all_payments=[OLD_REFUND, OLD_CHARGE]) == []
