import re

import pytest

from calve.kubernetes.names import NAME_LENGTH, Origin, label, name_of_run, run_labels
from calve.runs import Interval, Run

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
HARD = {
    "plain": "revenue",
    "unicode": "Umsätze_täglich_日本",
    "only unicode": "日本語",
    "200 signs": "a" * 200,
    "leading dash": "-revenue",
    "trailing dots": "revenue...",
    "leading digit": "7days",
    "only signs": "---___...",
    "driver": "driver",
    "a driver inside": "my-driver-dag",
    "a driver cut in two": "dri_ver" * 10,
    "a driver when joined": "drdriveriver",
    "a date": "manual__2026-01-02T00:30:00.123456+00:00",
    "a group": "stage.part[0]",
    "empty": "",
    "line break": "a\nb",
}
each = pytest.mark.parametrize("text", HARD.values(), ids=HARD)


def names(text):
    yield Origin(text, "stage", "run", -1, 1).name
    yield Origin("revenue", text, "run", 12, 9999).name
    yield Origin(text, text, text, 0, 1).name
    yield name_of_run(Run(text, Interval.parse("2026-01-01/2026-12-31"), "facility_id=7", 9999))


@each
def test_a_name_is_one_that_kubernetes_takes_with_all_that_is_appended(text):
    for name in names(text):
        assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name), name
        assert len(name) <= NAME_LENGTH == 42
        assert len(f"{name}-exec-{2**31}") <= 63


@each
def test_no_name_looks_like_that_of_a_driver_pod(text):
    assert [name for name in names(text) if "-driver" in name] == []


@each
def test_a_label_is_one_that_kubernetes_takes(text):
    origin = Origin(text, text, text, 0, 1)

    for value in (
        label(text),
        *origin.labels().values(),
        *run_labels(Run(text, Interval.parse("2026-01-02"))).values(),
    ):
        assert LABEL.fullmatch(value), value


@each
def test_the_selector_finds_what_any_try_created(text):
    asked = dict(part.split("=") for part in Origin(text, "stage", text, 3, 7).selector.split(","))

    assert asked.items() <= Origin(text, "stage", text, 3, 1).labels().items()
    assert not asked.items() <= Origin(text, "stage", text, 4, 1).labels().items()


def test_the_same_try_has_the_same_name():
    assert Origin("revenue", "stage", "manual__1", -1, 2).name == "revenue-stage-dbb68e79-t2"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("revenue", "stage", "manual__1", -1, 3), id="a later try"),
        pytest.param(("revenue", "stage", "manual__2", -1, 2), id="another run"),
        pytest.param(("revenue", "stage", "manual__1", 0, 2), id="another part of a mapped task"),
        pytest.param(("revenue", "stages", "manual__1", -1, 2), id="another task"),
        pytest.param(("revenues", "stage", "manual__1", -1, 2), id="another dag"),
    ],
)
def test_another_try_has_another_name(other):
    assert Origin(*other).name != Origin("revenue", "stage", "manual__1", -1, 2).name


def test_values_that_are_cut_alike_stay_apart():
    assert label("a" * 200) != label("a" * 201)
    assert label("a:b") != label("a/b")


def test_a_run_asked_for_by_a_person_has_one_name_per_generation():
    day = Interval.parse("2026-01-02")

    assert name_of_run(Run("revenue", day)) == "revenue-20260102-6b30c089-g0"
    assert name_of_run(Run("revenue", day, generation=1)) == "revenue-20260102-41098813-g1"
    assert name_of_run(Run("revenue", day, "facility_id=7")) != name_of_run(Run("revenue", day))
