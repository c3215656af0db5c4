"""The page as a program reads it: its tables, its charts and its text."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

Line = dict[str, str]


class Page(HTMLParser):
    """Tables by the name of the block that holds them; the words outside of scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tables: dict[str, list[Line]] = {}
        self.totals: dict[str, Line] = {}
        self.addresses: list[str] = []
        self.words = ""
        self._block, self._heads, self._cells, self._inside = "", [], [], []
        self.feed(self.html)
        self.specs: dict[str, Any] = json.loads(self._script("specs"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [str(value) for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]
        if tag in {"script", "style", "figure", "thead", "tbody", "tfoot", "th", "td"}:
            self._inside.append(tag)
        if tag == "figure":
            self._block = str(given["id"])
        if tag == "thead":
            self._heads = []
        if tag == "tr":
            self._cells = []
        if tag in {"th", "td"}:
            self._cells.append("")

    def handle_data(self, data: str) -> None:
        data = data.replace("\N{NO-BREAK SPACE}", " ")
        where = self._inside[-1] if self._inside else ""
        if where not in {"script", "style"}:
            self.words += data
        if where in {"th", "td"}:
            self._cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()
        if tag != "tr":
            return
        if not self._heads:
            self._heads = self._cells
        elif "tfoot" in self._inside:
            self.totals[self._block] = dict(zip(self._heads, self._cells, strict=True))
        else:
            line = dict(zip(self._heads, self._cells, strict=True))
            self.tables.setdefault(self._block, []).append(line)

    def charted(self, block: str) -> list[dict[str, Any]]:
        """Return the rows that a chart draws."""
        spec = self.specs[block]
        return spec["datasets"][spec["data"]["name"]]

    def outside_the_library(self) -> str:
        """Return the whole file without Vega's own code."""
        library = max(re.findall(r"<script>.*?</script>", self.html, re.DOTALL), key=len)
        return self.html.replace(library, "")

    def _script(self, name: str) -> str:
        found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', self.html, re.DOTALL)
        assert found
        return found[1]


def amount(text: str) -> Decimal:
    """Read an amount as the page writes it."""
    return Decimal(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))


def summed(lines: list[Line], column: str) -> Decimal:
    """Return the sum of a column."""
    return sum((amount(line[column]) for line in lines), Decimal(0))
