"""The page is whole in a real browser: wide or narrow, light or dark, full, empty or after a blocked run."""

from __future__ import annotations

from itertools import combinations

import pytest
from browser import Opened, started
from reading import Page
from served import HOSTILE_FACILITY, HOSTILE_PRODUCT, verdicts

from calve.report.page import write_page

pytestmark = pytest.mark.browser

DRAWN = "[...document.querySelectorAll('[data-chart]:has(svg)')].map((place) => place.dataset.chart)"
# Of each chart: how many of its marks can be seen, those of its axes left out.
MARKS = """() => Object.fromEntries([...document.querySelectorAll("[data-chart]")].map((place) => {
  const marks = [...place.querySelectorAll(".role-mark > :is(path, text)")];
  const seen = marks.map((mark) => mark.getBoundingClientRect()).filter((box) => box.width >= 1 && box.height >= 1);
  return [place.dataset.chart, seen.length];
}))"""
# Every word of every chart that can be seen: which axis it stands at (null: none), its text, colours and box.
WORDS = """() => [...document.querySelectorAll("[data-chart] svg text")].flatMap((word) => {
  const frame = word.ownerSVGElement.getBoundingClientRect(), box = word.getBoundingClientRect();
  const style = getComputedStyle(word), axes = [...document.querySelectorAll(".role-axis-label")];
  if (style.opacity === "0" || !box.width) return [];
  return [{
    chart: word.closest("[data-chart]").dataset.chart, text: word.textContent, ink: style.fill,
    paper: getComputedStyle(word.closest("figure")).backgroundColor,
    axis: word.closest(".role-axis-label") && axes.indexOf(word.closest(".role-axis-label")),
    box: [box.left, box.top, box.right, box.bottom], frame: [frame.left, frame.top, frame.right, frame.bottom],
  }];
})"""
OVERHANG = "document.scrollingElement.scrollWidth - innerWidth"


@pytest.fixture(scope="module")
def browser():
    """A browser for this file alone."""
    with started() as browser:
        yield browser


@pytest.fixture(
    scope="module",
    params=[(width, scheme) for width in (1240, 390) for scheme in ("light", "dark")],
    ids=lambda param: f"{'wide' if param[0] > 390 else 'narrow'} and {param[1]}",
)
def opened(browser, page, request):
    """The shop's page, opened. Look, don't touch."""
    width, scheme = request.param
    opened = Opened.at(browser, page, width=width, scheme=scheme)
    yield opened
    opened.tab.close()


@pytest.fixture
def new_tab(browser, page):
    """The shop's page, opened for one test alone, light and wide."""
    opened = Opened.at(browser, page)
    yield opened
    opened.tab.close()


def test_it_asks_for_nothing_but_itself(opened, page):
    assert opened.requests == [page.as_uri()]


def test_it_complains_of_nothing(opened):
    assert opened.complaints == []


def test_every_chart_is_drawn(opened, page):
    assert sorted(opened.value(DRAWN)) == sorted(Page(page).specs)
    assert len(Page(page).specs) == 17


def test_every_row_of_a_chart_has_a_mark_that_can_be_seen(opened, page):
    read, marks = Page(page), opened.value(MARKS)
    assert {name: (count, len(read.charted(name))) for name, count in marks.items() if few(count, read, name)} == {}


def few(count: int, read: Page, name: str) -> bool:
    return not count >= len(read.charted(name)) > 0


def test_no_word_of_a_chart_is_cut_off(opened):
    words = opened.value(WORDS)
    assert len(words) > 100
    assert [(word["chart"], word["text"]) for word in words if not within(word["box"], word["frame"])] == []


def within(box: list[float], frame: list[float]) -> bool:
    (left, top, right, bottom), (first, upper, last, lower) = box, frame
    return left > first - 1 and top > upper - 1 and right < last + 1 and bottom < lower + 1


def test_no_two_labels_of_an_axis_touch(opened):
    labels = [word for word in opened.value(WORDS) if word["axis"] is not None]
    pairs = [pair for pair in combinations(labels, 2) if pair[0]["axis"] == pair[1]["axis"]]
    assert len(pairs) > 100
    assert [(a["chart"], a["text"], b["text"]) for a, b in pairs if touch(a["box"], b["box"])] == []


def touch(a: list[float], b: list[float]) -> bool:
    return max(a[0], b[0]) - min(a[2], b[2]) < 4 and max(a[1], b[1]) - min(a[3], b[3]) < -1


def test_labels_stand_out_from_the_paper(opened):
    labels = [word for word in opened.value(WORDS) if word["axis"] is not None]
    assert [(word["chart"], word["text"]) for word in labels if contrast(word["ink"], word["paper"]) < 4.5] == []


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as the W3C defines it, 1 to 21."""
    less, more = sorted((luminance(one), luminance(other)))
    return (more + 0.05) / (less + 0.05)


def luminance(colour: str) -> float:
    shares = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(", ")]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_nothing_sticks_out_to_the_side(opened):
    assert opened.value(OVERHANG) == 0


def test_the_numbers_at_its_head_are_the_views_sums(opened, shop):
    rows = shop.sql(
        "select currency, sum(net_revenue) as net, max(business_date) as last_date "
        "from reporting.revenue_daily group by currency order by currency"
    )
    labels, numbers = (opened.tab.locator(f".card {part}").all_inner_texts() for part in ("h2", ".number"))
    assert [label[:3] for label in labels] == [row["currency"] for row in rows]
    assert numbers == [f"{row['net']:,.2f}" for row in rows]
    title = opened.tab.title().replace("\N{NO-BREAK SPACE}", " ")
    assert title == "EUR 4,818 and USD 5,615 net revenue through 4 Feb 2026"
    assert {str(row["last_date"]) for row in rows} == {"2026-02-04"}


def test_it_says_at_its_head_which_run_was_blocked(opened):
    lead = opened.tab.locator(".lead").inner_text()
    assert lead == "revenue@2026-02-07#0 was blocked by its audit: readers see what was published before."


def test_a_name_that_is_markup_is_written_as_it_is(opened):
    words = {(word["chart"], word["text"]) for word in opened.value(WORDS)}
    assert {("facilities-usd", HOSTILE_FACILITY), ("products-eur", HOSTILE_PRODUCT)} <= words
    assert opened.tab.locator("#products-eur td", has_text=HOSTILE_PRODUCT).count() == 1
    assert opened.tab.locator("main :is(b, script)").count() == 0
    assert opened.complaints == []


@pytest.mark.parametrize(
    ("block", "told"),
    [
        pytest.param("facilities-eur", "4,817.50", id="a facility's net"),
        pytest.param("months-eur", "340.75", id="a month's net"),
        pytest.param("facilities-usd", HOSTILE_FACILITY, id="a name that is markup"),
    ],
)
def test_pointing_at_a_mark_tells_the_exact_amounts(new_tab, block, told):
    new_tab.tab.locator(f"#{block} .mark-rect.role-mark path").first.hover()
    assert told in new_tab.tab.locator("#vg-tooltip-element").inner_text()
    assert new_tab.complaints == []


@pytest.mark.parametrize(("before", "after"), [("light", "dark"), ("dark", "light")])
def test_it_is_drawn_again_when_the_scheme_changes(browser, page, before, after):
    opened, other = (Opened.at(browser, page, scheme=scheme) for scheme in (before, after))
    first, marks = colours(opened), opened.value(MARKS)

    opened.prefer(after)

    assert colours(opened) == colours(other) != first
    assert opened.value(MARKS) == marks
    assert opened.value("[...document.querySelectorAll('[data-chart] svg')].length") == len(marks)
    assert opened.complaints == []
    opened.tab.close()
    other.tab.close()


def colours(opened: Opened) -> list[str]:
    shapes = "[...document.querySelectorAll('[data-chart] svg :is(path, text)')]"
    return opened.value(f"{shapes}.map((shape) => getComputedStyle(shape).fill)")


def test_it_fits_again_when_the_window_gets_narrower(new_tab):
    new_tab.tab.set_viewport_size({"width": 390, "height": 900})
    new_tab.tab.wait_for_function(f"{OVERHANG} === 0")
    assert new_tab.complaints == []


def test_a_page_of_nothing_says_so(browser, served):
    opened = Opened.at(browser, write_page(served.settings))

    assert opened.tab.locator("h1").inner_text() == "No revenue is served yet"
    assert opened.tab.locator(".lead").inner_text().startswith("Nothing is published yet")
    assert opened.tab.locator("section").count() == opened.tab.locator("section > .empty").count() == 6
    assert opened.tab.locator("figure, svg").count() == 0
    assert (len(opened.requests), opened.complaints, opened.value(OVERHANG)) == (1, [], 0)


def test_a_page_after_a_first_run_that_was_blocked_shows_its_verdict(browser, served):
    served.insert("data_quality", [row for row in verdicts() if row["outcome"] == "blocked"])

    opened = Opened.at(browser, write_page(served.settings))

    lead = opened.tab.locator(".lead").inner_text()
    assert lead == "revenue@2026-02-07#0 was blocked by its audit: nothing is published yet."
    assert sorted(opened.value(DRAWN)) == ["events", "kept-out", "rules"]
    assert min(opened.value(MARKS).values()) > 0
    assert opened.tab.locator("section > .empty").all_inner_texts() == [
        *["No revenue is served yet: the views appear when the pipeline is first published."] * 2,
        "No table is served yet.",
    ]
    assert (len(opened.requests), opened.complaints, opened.value(OVERHANG)) == (1, [], 0)
