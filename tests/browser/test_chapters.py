"""Every chapter as a reader meets it on a laptop: play first, and prose rather than code.

Checks that need only the notebooks are in tests/test_chapters.py.
"""

import pytest

from tests.test_chapters import CHAPTERS

WINDOW = {"width": 1280, "height": 800}

#: The share of a page's height that open code may take.
MOST = 0.12
#: Chapters in which the code itself is the lesson: how much of it may be open, and why.
LESSONS = {
    "recursive_training": (
        0.2,
        "readers learn to write the recursion and its schedules themselves",
    ),
}

MEASURED = {}

OPEN_CODE = """
    () => {
        const height = box => box.getBoundingClientRect().height;
        const open = [...document.querySelectorAll("article .cell_input")]
            .filter(box => box.checkVisibility());
        const page = document.querySelector("article");
        return open.reduce((sum, box) => sum + height(box), 0) / height(page);
    }
"""
CONTROLS = """
    () => {
        const first = [...document.querySelectorAll("article .explorer, article .laboratory")]
            .find(box => box.checkVisibility() && box.querySelector("input, select, button"));
        return first ? first.getBoundingClientRect().top + window.scrollY : Infinity;
    }
"""


@pytest.fixture
def chapter(faults, served):
    def open_chapter(name):
        page = faults.open(f"{served}/book/{name}.html")
        page.set_viewport_size(WINDOW)
        page.evaluate("document.fonts.ready")
        return page

    return open_chapter


@pytest.fixture
def measured(chapter):
    """Measure a chapter once for all tests of it."""

    def measure(name):
        if name not in MEASURED:
            page = chapter(name)
            MEASURED[name] = open_code(page), controls(page)
        return MEASURED[name]

    return measure


def open_code(page):
    """Return the share of the page's height that open code takes."""
    return page.evaluate(OPEN_CODE)


def controls(page):
    """Return how many windows down the first controls begin."""
    return page.evaluate(CONTROLS) / WINDOW["height"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_open_code_takes_a_small_share_of_the_page(measured, name):
    most, _ = LESSONS.get(name, (MOST, ""))
    share, _ = measured(name)
    assert share < most, f"{share:.1%} of the page"


@pytest.mark.parametrize("name", CHAPTERS)
def test_controls_begin_within_a_screen_and_a_half(measured, name):
    _, screens = measured(name)
    assert screens < 1.5, f"{screens:.1f} screens down"


def test_lessons_are_chapters_with_a_reason():
    for name, (most, reason) in LESSONS.items():
        assert name in CHAPTERS
        assert MOST < most <= 2 * MOST
        assert len(reason) > 20


def test_open_code_and_late_controls_are_measured(chapter):
    page = chapter("choosing_what_to_keep")
    share, screens = open_code(page), controls(page)
    page.evaluate('document.querySelectorAll("details.hide").forEach(code => code.open = true)')
    assert open_code(page) > max(1.5 * share, MOST)
    opened = controls(page)
    assert opened > screens
    page.evaluate('document.querySelector("article h1").style.paddingBottom = "1200px"')
    assert controls(page) == pytest.approx(opened + 1.5, abs=0.01)
    assert open_code(page) < 1
    page.evaluate(
        """document.querySelectorAll("article .explorer, article .laboratory")
            .forEach(box => box.remove())"""
    )
    assert controls(page) == float("inf")


FIRST = """
    height => [...document.querySelectorAll("article p, article .laboratory button")]
        .filter(box => box.checkVisibility() && box.getBoundingClientRect().bottom < height)
        .map(box => box.innerText).join("\\n")
"""


def test_the_first_screen_says_what_this_is_for_whom_and_where_to_begin(faults, served):
    page = faults.open(f"{served}/book/intro.html")
    page.set_viewport_size(WINDOW)
    first = page.evaluate(FIRST, WINDOW["height"])
    for words in ("Model collapse", "This textbook", "It is for", "Begin here", "Guess", "Play"):
        assert words in first
    assert "Play" not in page.evaluate(FIRST, WINDOW["height"] / 4)
    begin = page.locator("article p", has_text="Begin here").locator("a")
    targets = begin.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert targets == ["short_version.html", "questions.html", "statistical_model.html"]
