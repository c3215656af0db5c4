import pytest

from charts.cases import CASES
from charts.rendering import leaves, merged, nested, refusal, render, schema


def test_every_value_has_a_case():
    assert sorted(leaves(schema())) == sorted(CASES)


@pytest.mark.parametrize("path", CASES)
def test_a_value_changes(path):
    case = CASES[path]
    values = merged(case.given, nested(path, case.value))

    if case.refused:
        assert case.refused in refusal(values)
        return
    found, usual = (seen_at(render(each), *case.at) for each in (values, case.given))
    assert found == case.seen
    assert found != usual, "it stands there without the value too"


def seen_at(objects, name, path):
    # The name of a job says what it does, by a digest.
    whole = next((each for each in objects if name.startswith("Job/") and each.startswith(f"{name}-")), name)
    return objects.at(whole, path)
