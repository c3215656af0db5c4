"""The page is one file that needs nothing else, is the same while what is served is, and is never lost."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from datetime import datetime
from functools import partial

import pytest
from reading import Page

from calve.errors import WarehouseStateError
from calve.report.figures import gather
from calve.report.page import write_page
from calve.warehouse.read import query

RENDERING = """
import pickle, sys
from calve.report.page import render
sys.stdout.buffer.write(render(pickle.load(sys.stdin.buffer)).encode("utf-8"))
"""


@pytest.fixture(scope="module")
def read(page) -> Page:
    """The shop's page, read."""
    return Page(page)


def test_it_names_no_address_outside_itself(read):
    assert len(read.addresses) == 7
    assert [address for address in read.addresses if not address.startswith(("#", "data:,"))] == []
    assert re.findall(r"https?:|//\w|url\(|@import", read.outside_the_library()) == []


def test_it_forbids_the_browser_to_ask_for_anything(read):
    [policy] = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', read.html)
    assert policy.split("; ")[0] == "default-src 'none'"
    assert re.findall(r"https?:|\*|'self'", policy) == []


def test_another_process_writes_the_same_bytes_later_and_elsewhere(shop, page):
    figures = pickle.dumps(gather(partial(query, shop.settings)))
    command = [sys.executable, "-c", RENDERING]
    # A set of two names has the same order under half of all hash seeds.
    for seed in ("1", "2", "3"):
        elsewhere = os.environ | {"PYTHONHASHSEED": seed, "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
        again = subprocess.run(command, input=figures, env=elsewhere, stdout=subprocess.PIPE, check=True)
        assert again.stdout == page.read_bytes()


def test_its_newest_date_is_that_of_the_newest_event_and_of_no_clock(read):
    said = f"{read.words} {read.specs}".replace("\N{NO-BREAK SPACE}", " ")
    dates = [datetime.strptime(text, "%Y-%m-%d") for text in re.findall(r"\b\d{4}-\d\d-\d\d\b", said)]
    dates += [datetime.strptime(text, "%d %b %Y") for text in re.findall(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}\b", said)]
    assert len(dates) > 100
    assert f"{max(dates):%Y-%m-%d}" == "2026-02-08"


def test_an_earlier_page_stays_when_a_view_is_refused(served, tmp_path):
    page = tmp_path / "index.html"
    page.write_text("earlier")
    served.sql("drop view reporting.data_quality")

    with pytest.raises(WarehouseStateError):
        write_page(served.settings, page)

    assert page.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [page]
