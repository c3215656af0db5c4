"""A real browser, Debian's or Google's own, and what a page asked it for and complained about while it was open."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Page as Tab

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def started() -> Iterator[Browser]:
    """Start the machine's Chromium, none that is downloaded, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=OPTIONS)
        yield browser
        browser.close()


def installed() -> str:
    """Return the path of a Chromium on this machine; without one, CI fails and everybody else skips."""
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return found
    missing = f"browser: found none of {', '.join(NAMES)}, expected one; install Debian's package chromium"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@dataclass
class Opened:
    """A page that has drawn its charts.

    Attributes:
        tab: The page in the browser.
        requests: Addresses that it asked for, its own first.
        complaints: What it wrote to the console, and its errors.
    """

    tab: Tab
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, browser: Browser, path: Path, *, width: int = 1240, scheme: str = "light") -> Opened:
        """Open a file as somebody sees it who has never seen it before."""
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened = cls(tab)
        tab.on("request", lambda request: opened.requests.append(request.url))
        tab.on("console", lambda message: opened.complaints.append(message.text))
        tab.on("pageerror", lambda error: opened.complaints.append(str(error)))
        tab.on("dialog", lambda dialog: (opened.complaints.append(dialog.message), dialog.dismiss()))
        tab.goto(path.as_uri())
        opened.value("document.drawing")
        return opened

    def prefer(self, scheme: str) -> None:
        """Let the reader change to light or dark, and return when the charts are drawn again."""
        self.value("(window.before = document.drawing, null)")
        self.tab.emulate_media(color_scheme=scheme)
        self.tab.wait_for_function("document.drawing !== window.before")
        self.value("document.drawing")

    def value(self, script: str, given: Any = None) -> Any:
        """Return what a script comes to."""
        return self.tab.evaluate(script, given)
