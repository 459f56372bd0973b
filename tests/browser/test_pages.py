"""The built book as readers meet it: served or opened from disk, with no network."""

import io
import re

import pytest
import yaml
from matplotlib.figure import Figure

from tests.support import ROOT, SITE, pages

PAGES = pages()

# The theme makes wide code reachable by keyboard, a moment after the window has changed.
SCROLLABLE_HAVE_TAB_STOPS = """
    [...document.querySelectorAll("pre")].every(
        pre => pre.scrollWidth <= pre.clientWidth || pre.tabIndex == 0)
"""


@pytest.fixture(params=["http", "file"])
def base(request):
    return request.getfixturevalue("served") if request.param == "http" else SITE.as_uri()


@pytest.mark.parametrize("name", ["index.html", *PAGES])
def test_complete_without_network_and_without_faults(faults, base, name):
    page = faults.open(f"{base}/{name}")
    assert faults.found == []
    assert page.title()
    check_equations(page)
    check_alternative_texts(page)


def check_equations(page):
    written = page.locator("main .math").count()
    assert page.locator("main .math mjx-container").count() == written
    assert page.locator("mjx-merror").count() == 0
    assert not re.search(r"\\\(|\\\[|\$\$", page.locator("main").inner_text())
    if written:
        fonts = page.evaluate("document.fonts.ready.then(f => [...f].map(x => x.family))")
        assert any("MJX" in family for family in fonts)


def check_alternative_texts(page):
    for alt in page.locator("article img").evaluate_all("all => all.map(img => img.alt)"):
        assert len(alt) > 20
        assert not re.search(r"\.(png|svg|webp|jpe?g)$|/", alt)


@pytest.mark.parametrize("name", PAGES)
def test_accessible_and_never_wider_than_the_window(faults, violations, served, name):
    page = faults.open(f"{served}/{name}")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "theme => document.documentElement.dataset.theme == theme", arg=theme
        )
        for width in (1280, 768, 360):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function(SCROLLABLE_HAVE_TAB_STOPS)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page) == "", (theme, width)


def test_what_is_not_accessible_is_found(violations, faults, served):
    page = faults.open(f"{served}/book/glossary.html")
    page.locator("article").evaluate("article => article.append(document.createElement('button'))")
    assert "button-name" in violations(page)


OPEN_ALL = """
    for (const proof of document.querySelectorAll("details")) proof.open = true;
    for (const shut of document.querySelectorAll("button.toggle-button-hidden")) shut.click();
"""
# A displayed equation must not stick out of its box on either side: readers could not scroll to
# what does on the left. In a line of text the theme would cut it off.
TOO_WIDE = """
    [...document.querySelectorAll(".math mjx-container")].filter(equation => {
        const line = equation.closest("span.math");
        if (line) return equation.firstElementChild.getBoundingClientRect().right
            > line.getBoundingClientRect().right + 1;
        return equation.scrollWidth > equation.clientWidth + 1 || equation.clientWidth == 0
            || equation.getBoundingClientRect().left
                < equation.parentElement.getBoundingClientRect().left - 1;
    }).map(equation => equation.textContent)
"""


@pytest.mark.parametrize("name", [n for n in PAGES if 'class="math' in (SITE / n).read_text()])
def test_equations_fit_the_window(faults, served, name):
    page = faults.open(f"{served}/{name}", width=360)
    page.evaluate(OPEN_ALL)
    # 300 pixels: some cannot become small enough there, and must then return to their size
    for width in (360, 768, 300, 360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(200)
        if width > 300:
            page.wait_for_function(f"({TOO_WIDE}).length == 0")
    sizes = page.locator("p span.math").evaluate_all(
        "all => all.map(formula => formula.style.getPropertyValue('--fit'))"
    )
    assert set(sizes) <= {"", "1"}


def test_marks_stay_with_their_formula(faults, served):
    """No line starts with the full stop or comma that follows a formula."""
    page = faults.open(f"{served}/book/expected_collision.html", width=360)
    page.evaluate(OPEN_ALL)
    assert page.locator(".together:has(.math ~ .math)").count() == 0
    pairs = page.locator("main p .together").evaluate_all(
        """
        all => all.filter(pair => !pair.lastChild.classList).map(pair => {
            const mark = document.createRange();
            mark.selectNodeContents(pair.lastChild);
            return [pair.querySelector(".math").getBoundingClientRect().bottom,
                mark.getBoundingClientRect().top];
        })
        """
    )
    assert len(pairs) > 50
    assert all(top < bottom for bottom, top in pairs)


@pytest.mark.parametrize(("width", "columns"), [(1280, 2), (360, 1)])
def test_texts_are_side_by_side_where_there_is_room(faults, served, width, columns):
    page = faults.open(f"{served}/book/gpt2_experiment.html", width, "dark")
    grid = page.locator("article div.texts")
    lefts = grid.locator("> div").evaluate_all(
        "all => all.map(block => block.getBoundingClientRect().left)"
    )
    assert len(lefts) == 4
    assert len(set(lefts)) == columns
    marked = grid.locator("mark").evaluate_all(
        "all => all.map(mark => getComputedStyle(mark))"
        ".map(style => [style.textDecorationStyle, style.backgroundColor])"
    )
    clear = "rgba(0, 0, 0, 0)"  # neither the yellow of a marker nor a light box on a dark page
    assert marked
    assert all(found == ["wavy", clear] for found in marked)
    box = page.locator("article .text_html:has(div.texts)")
    assert box.evaluate("box => getComputedStyle(box).backgroundColor") == clear


@pytest.fixture(scope="module")
def wide_picture():
    """A picture of several panels that `plotting.panels` did not make, as a notebook stores it."""
    figure = Figure(figsize=(9, 5))
    figure.subplots(2, 4)
    file = io.BytesIO()
    figure.savefig(file, dpi=150)
    return file.getvalue()


def test_wide_pictures_keep_their_size_on_a_phone(browser, served, wide_picture):
    page = browser.new_page(viewport={"width": 360, "height": 900})
    page.route(
        "**/_images/*.png",
        lambda route: route.fulfill(body=wide_picture, content_type="image/png"),
    )
    page.goto(f"{served}/book/model_variation.html")
    page.wait_for_selector(".wide-picture")
    boxes = page.locator(".wide-picture")
    assert boxes.count() > 1
    for box in boxes.all():
        assert box.evaluate("box => box.scrollWidth > box.clientWidth && box.tabIndex == 0")
        assert box.locator("img").evaluate("picture => picture.width") > 500
    page.set_viewport_size({"width": 1280, "height": 900})
    for box in boxes.all():
        page.wait_for_function("box => box.tabIndex == -1", arg=box.element_handle())
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    page.close()


def explorers():
    return [name for name in PAGES if 'class="explorer"' in (SITE / name).read_text("utf8")]


@pytest.mark.parametrize("name", explorers())
def test_sliders_move_by_keyboard_and_change_the_picture(faults, base, name):
    page = faults.open(f"{base}/{name}")
    for explorer in page.locator(".explorer:visible").all():
        picture, caption = explorer.locator("img"), explorer.locator("figcaption")
        for slider in explorer.locator("input").all():
            before = picture.get_attribute("src"), caption.inner_text()
            slider.focus()
            page.keyboard.press("ArrowRight")
            assert picture.get_attribute("src") != before[0]
            assert caption.inner_text() != before[1]
            assert picture.get_attribute("alt") == caption.inner_text()
            shown = slider.evaluate("slider => slider.nextElementSibling.textContent")
            assert slider.get_attribute("aria-valuetext") == shown
            assert re.search(rf"(?<![\w.]){re.escape(shown)}(?![\w]|\.\d)", caption.inner_text())
            page.keyboard.press("ArrowLeft")
            assert (picture.get_attribute("src"), caption.inner_text()) == before
            assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    assert faults.found == []


def test_every_chapter_has_an_explorer():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))["parts"]
    chapters = {
        f"{chapter['file']}.html"
        for part in parts
        if part["caption"] not in ("Overview", "Appendix")
        for chapter in part["chapters"]
    }
    assert chapters
    assert chapters <= set(explorers())


def test_sliders_and_pictures_agree_after_going_back(faults, served):
    page = faults.open(f"{served}/book/expected_collision.html")
    slider, caption = page.locator(".explorer input").first, page.locator(".explorer figcaption")
    slider.focus()
    page.keyboard.press("ArrowRight")
    moved = slider.input_value(), caption.first.inner_text()
    page.goto(f"{served}/book/intro.html")
    page.go_back()
    page.wait_for_load_state("networkidle")
    shown = slider.evaluate("slider => JSON.parse(slider.dataset.values)[slider.value]")
    assert slider.get_attribute("aria-valuetext") == shown
    assert (slider.input_value() == moved[0]) == (caption.first.inner_text() == moved[1])


def test_search_finds_pages(faults, base):
    page = faults.open(f"{base}/search.html?q=collision")
    page.wait_for_selector("#search-results li a")
    assert "How fast variety is lost" in page.locator("#search-results").inner_text()
    assert faults.found == []


def test_proofs_and_solutions_open(faults, served):
    page = faults.open(f"{served}/book/expected_collision.html")
    proof = page.locator("details.sd-dropdown").first
    assert not proof.locator("p").first.is_visible()
    proof.locator("summary").click()
    assert proof.locator("p").first.is_visible()
    solution = page.locator(".solution.dropdown").first
    assert not solution.locator("section p").first.is_visible()
    solution.locator("button").first.click()
    assert solution.locator("section p").first.is_visible()


@pytest.fixture
def sandboxed(faults, served):
    """Open a page in a frame that is denied storage and the server's other files."""

    def open_in_frame(name):
        page = faults.open(f"{served}/search.html")
        page.set_content(
            f'<iframe sandbox="allow-scripts" src="{served}/{name}" width="1200" height="800">'
        )
        frame = page.frame_locator("iframe")
        frame.locator("main").wait_for()
        return page, frame

    return open_in_frame


def test_search_works_without_storage(sandboxed):
    _, frame = sandboxed("search.html?q=collision")
    frame.locator("#search-results li a").first.wait_for()
    assert "How fast variety is lost" in frame.locator("#search-results").inner_text()


def test_the_theme_can_be_switched_without_storage(sandboxed):
    _, frame = sandboxed("book/expected_collision.html")
    root, switch = frame.locator("html"), frame.locator("button.theme-switch-button:visible").first
    modes = set()
    for _ in range(3):
        switch.click()
        modes.add(root.get_attribute("data-mode"))
    assert modes == {"light", "dark", "auto"}
