"""What a person may enter to start a run by hand, and that the application is told it."""

from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError
from driving import RUN, context_of
from whole_publication import publish_whole

from calve.airflow.dags import pipeline_dag

ROOT = Path(__file__).parents[2]
DATASETS = ["fct_order_line", "fct_payment", "agg_facility_product_day"]


@pytest.fixture
def form():
    """The form of `revenue`, by field."""
    params = pipeline_dag("revenue", ROOT).params
    return {name: params.get_param(name) for name in params}


def test_empty_it_asks_for_whatever_is_missing(form):
    assert {name: param.resolve() for name, param in form.items()} == {
        "interval": None,
        "scope": None,
        "mode": "changes",
        "datasets": [],
    }


def test_it_offers_the_datasets_of_its_pipeline_to_choose_from(form):
    assert form["datasets"].schema["examples"] == DATASETS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interval", "2026-01-02/2026-01-05"),
        ("scope", "facility_id=7"),
        ("mode", "reprocess"),
        ("datasets", ["fct_payment"]),
    ],
)
def test_it_takes_what_a_run_can_be_asked_for(field, value, form):
    assert form[field].resolve(value) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interval", "yesterday"),
        ("scope", "facility 7"),
        ("mode", "again"),
        ("datasets", ["fct_paymet"]),
        ("datasets", ["dim_region"]),
        ("datasets", "fct_payment"),
    ],
)
def test_it_refuses_what_no_run_can_be_asked_for(field, value, form):
    with pytest.raises(ParamValidationError):
        form[field].resolve(value)


def by_hand(**form):
    return context_of(day=None, kind="manual", form={"interval": "2026-01-02", **form})


def test_the_application_is_told_which_datasets_to_make_anew(driven):
    publish_whole(driven.records, RUN)
    driven.deferred(driven.operator(), by_hand(mode="reprocess", datasets=["fct_payment", "fct_order_line"]))
    (application,) = driven.play.applications()
    assert application["spec"]["arguments"][-1] == "revenue@2026-01-02#1=take=reprocess:fct_order_line,fct_payment"


def test_datasets_without_a_reprocess_are_refused_for_good(driven):
    publish_whole(driven.records, RUN)
    with pytest.raises(AirflowFailException, match="only a reprocess of all leaves any out"):
        driven.operator().execute(by_hand(datasets=["fct_payment"]))
    assert driven.names() == []
