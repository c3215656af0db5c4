"""Each word that a triage may say is in the page for the person who is called."""

from pathlib import Path
from typing import get_args

import pytest

from calve.kubernetes.evidence import Cause

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


@pytest.mark.parametrize("word", sorted(get_args(Cause)))
def test_a_cause_is_explained(word):
    assert f"\n| `{word}` |" in PAGE
