"""The page: one offline HTML file with revenue, comparisons, publications, verdicts and quarantine.

Promises the same bytes for the same served state: no clock, no random name, no address outside the file. Reads only
the REPORTING views. Never leaves half a page: it is written beside and moved into place.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import partial
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import jinja2
import vl_convert
from markupsafe import Markup

from calve.effects import effect
from calve.report import comparison_blocks, formats, revenue_blocks, run_blocks
from calve.report.blocks import Section
from calve.report.figures import Figures, Row, gather
from calve.settings import Settings
from calve.warehouse.read import query

FILE = "index.html"


def write_page(settings: Settings, target: Path | None = None) -> Path:
    """Read what Snowflake serves, write the page, and return its path; `report_dir/index.html` by default.

    Raises:
        WarehouseUnavailableError: Snowflake did not answer, or was switched all the time; an earlier page stays.
        WarehouseStateError: A view is refused; an earlier page stays.
    """
    html = render(gather(partial(query, settings)), library(settings.state / "page"))
    path = target or settings.report_dir / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with effect("page.write"):
        _write(path, html)
    return path


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def library(kept: Path) -> str:
    """Return the script that draws the charts, from the locked library. Making it takes a second, so it is kept.

    A folder that can't be written is done without.
    """
    path = kept / f"vega-{version('vl-convert-python')}.js"
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        made: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    with suppress(OSError):
        kept.mkdir(parents=True, exist_ok=True)
        _write(path, made)
    return made


def render(figures: Figures, script: str) -> str:
    """Return the page's HTML; `script` is what draws its charts."""
    sections = (
        revenue_blocks.revenue(figures),
        comparison_blocks.comparisons(figures),
        run_blocks.publications(figures),
        run_blocks.quality(figures),
        run_blocks.quarantine(figures),
        run_blocks.whence(figures),
    )
    loader = jinja2.PackageLoader("calve.report", "template")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        title=headline(figures),
        words=_standing(figures),
        cards=revenue_blocks.cards(figures),
        sections=sections,
        specs=_specs(sections),
        style=_text("page.css"),
        script=_text("page.js"),
        library=Markup(script),  # noqa: S704  # the locked library
        outcomes=("passed", "warned", "quarantined", "blocked", "served", "published"),
    )


def headline(figures: Figures) -> str:
    """Say in one line what was earned and until when."""
    if not figures.currencies:
        return "No revenue is served yet"
    through = max(row["last_date"] for row in figures.currencies)
    sums = [formats.unbroken(f"{row['currency']} {formats.rounded(row['net_revenue'])}") for row in figures.currencies]
    return f"{formats.listed(sums)} net revenue through {formats.unbroken(formats.day(through))}"


def _standing(figures: Figures) -> str:
    newest: dict[str, Row] = {}
    for run in figures.runs:
        newest.setdefault(run["pipeline"], run)
    blocked = [run["run_key"] for run in newest.values() if run["blocked"]]
    if blocked:
        was = "was blocked by its audit" if len(blocked) == 1 else "were blocked by their audits"
        seen = "readers see what was published before" if figures.publications else "nothing is published yet"
        return f"{formats.listed(sorted(blocked))} {was}: {seen}."
    if not figures.publications:
        return "Nothing is published yet: numbers appear here once a run has passed its audit."
    return "Every number was audited before it was published, and can be traced to the run that made it."


def _specs(sections: tuple[Section, ...]) -> Markup:
    specs = {block.name: block.chart for section in sections for block in section.blocks if block.chart}
    # `</script>` in a name must not end the element that holds it.
    return Markup(json.dumps(specs, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c"))  # noqa: S704


def _text(name: str) -> Markup:
    text = resources.files("calve.report").joinpath("template", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  # our own file
