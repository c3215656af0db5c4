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
from calve.report.page import library, write_page
from calve.warehouse.read import query

RENDERING = """
import pathlib, pickle, sys
from calve.report.page import library, render
script = library(pathlib.Path(sys.argv[1]))
sys.stdout.buffer.write(render(pickle.load(sys.stdin.buffer), script).encode("utf-8"))
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


def test_another_process_writes_the_same_bytes_later_and_elsewhere(shop, page, tmp_path):
    figures = pickle.dumps(gather(partial(query, shop.settings)))
    (tmp_path / "a file").touch()
    # The script is made, taken from where it was kept, and made where none can be kept.
    # A set of two names has the same order under half of all hash seeds.
    for seed, kept in (("1", "kept"), ("2", "kept"), ("3", "a file")):
        command = [sys.executable, "-c", RENDERING, str(tmp_path / kept)]
        elsewhere = os.environ | {"PYTHONHASHSEED": seed, "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
        again = subprocess.run(command, input=figures, env=elsewhere, stdout=subprocess.PIPE, check=True)
        assert again.stdout == page.read_bytes()


def test_the_script_that_was_kept_is_taken(tmp_path):
    made = library(tmp_path)
    [kept] = tmp_path.iterdir()
    assert kept.read_text(encoding="utf-8") == made
    kept.write_text("kept")
    assert library(tmp_path) == "kept"


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
