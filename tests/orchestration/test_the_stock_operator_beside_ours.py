"""Where the provider's operator goes wrong ours does not; a provider that mends a defect makes us look again."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))

from bench.operators import head, row  # noqa: E402  # the benches are no package that is installed
from bench.situations import SITUATIONS  # noqa: E402

DOCS = (ROOT / "docs" / "airflow.md").read_text().splitlines()
WRONG = {
    "cleared, applications kept",
    "no driver",
    "retry without driver",
    "state empty",
    "state SUBMISSION_FAILED",
    "state PENDING_RERUN",
    "state INVALIDATING",
    "state SUSPENDED",
    "queued",
    "killed while deferred",
    "nothing published",
    "lost after the publication",
    "finished and collected",
    "audit blocks",
    "labels",
    "named driver",
    "quota, fixed name",
    "reply lost",
    "connection lost",
    "worker killed early",
}


@pytest.fixture(scope="module", params=SITUATIONS, ids=lambda each: each.name)
def found(request, postgres):
    """What a situation came to for both."""
    return row(request.param, postgres)


def test_ours_does_what_it_should(found):
    assert found.ours == found.situation.should


def test_the_provider_s_is_wrong_where_we_know_it(found):
    assert (found.stock != found.situation.should) == (found.situation.name in WRONG)


def test_the_docs_show_what_both_did(found):
    assert str(found) in DOCS


def test_the_docs_name_the_version_that_was_tried():
    assert head()[0] in DOCS
