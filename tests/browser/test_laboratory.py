"""The laboratory as readers use it: served or from disk, on a phone, by keyboard, with any text."""

import csv
import io
import random
import xml.etree.ElementTree as ET
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

from tests.support import SITE, pages

PAGE = "book/laboratory.html"
EMBEDDED = [n for n in pages() if 'data-size="small"' in (SITE / n).read_text("utf8")]
TEXT = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age "
    "of foolishness, it was the epoch of belief, it was the epoch of incredulity. "
) * 3


@pytest.fixture(params=["http", "file"])
def base(request):
    return request.getfixturevalue("served") if request.param == "http" else SITE.as_uri()


@pytest.fixture
def page(faults, served):
    return faults.open(f"{served}/{PAGE}")


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def play(page):
    button(page, "Play").first.click()


def finish(page):
    """Play to the end, as fast as it goes."""
    page.get_by_label("Speed").select_option("all")
    play(page)
    page.wait_for_function("Laboratory.labs[0].runs.done && !Laboratory.labs[0].playing")


def sentence(page):
    return page.locator(".lab-caption").first.inner_text()


def field(page, key):
    return page.locator(f'.lab-controls input[id^="lab-{key}-"]')


def enter(page, key, value):
    if not field(page, key).is_visible():
        page.locator(f".lab-more:has(#{field(page, key).get_attribute('id')}) summary").click()
    field(page, key).fill(str(value))
    field(page, key).press("Enter")


def use_text(page, text, unit="words"):
    page.get_by_label("Language", exact=True).select_option(unit)
    page.locator("#lab-own").fill(text)
    button(page, "Use this text").click()


def settled(page, width, theme):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function("theme => document.documentElement.dataset.theme == theme", arg=theme)
    page.wait_for_timeout(100)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible_and_never_wider_than_the_window_in_use(faults, violations, base, theme):
    page = faults.open(f"{base}/{PAGE}#generations=50", theme=theme)
    use_text(page, TEXT)
    page.wait_for_function("Laboratory.labs[0].state.source == 'words'")
    for summary in page.locator(".lab-more summary").all():
        summary.click()
    enter(page, "temperature", 0.9)
    enter(page, "n", "many")
    button(page, "Write the next generation").click()
    page.wait_for_function("Laboratory.labs[0].writing.generation == 1")
    finish(page)
    assert faults.found == []
    for width in (1280, 768, 360):
        settled(page, width, theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == "", width


def test_asks_the_network_for_nothing(faults, base):
    page = faults.open(f"{base}/{PAGE}")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    ours = lambda: [url for url in asked if not url.endswith("/favicon.svg")]  # noqa: E731
    button(page, "Nearly all").or_(button(page, "The rare ones")).first.click()
    use_text(page, TEXT, "characters")
    page.wait_for_function("Laboratory.labs[0].state.source == 'characters'")
    finish(page)
    button(page, "Write the next generation").click()
    button(page, "Copy link").click()
    page.wait_for_timeout(500)
    assert ours() == []  # the browser asks for the icon when the address changes
    button(page, "Load Shakespeare’s counts (0.8 MB)").click()
    page.wait_for_function("Laboratory.labs[0].writing.source")
    assert [urlsplit(url).path.rsplit("/", 1)[-1] for url in ours()] == ["shakespeare.js"]
    assert faults.found == []


def test_everything_by_keyboard_and_said_aloud(page):
    live = page.locator(".laboratory > [aria-live=polite]")
    for name in ("One generation", "Restart", "Another seed"):
        button(page, name).focus()
        page.keyboard.press("Enter")
        page.wait_for_timeout(50)
        if name == "One generation":
            assert live.inner_text().startswith("Generation 1. ")
            assert live.inner_text() == sentence(page)
        if name == "Restart":
            assert live.inner_text().startswith("Generation 0. ")
    button(page, "Pause").focus()
    page.keyboard.press("Space")
    assert live.inner_text() == sentence(page)
    # Every control can be reached, in the order in which it stands.
    page.locator("#lab-guides-title").evaluate("title => { title.tabIndex = -1; title.focus(); }")
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
    wanted = page.locator(
        ".laboratory :is(button, select, textarea, summary, input):visible:enabled"
    ).evaluate_all("all => all.map(x => x.id || x.textContent)")
    assert set(wanted) <= reached


def test_a_slider_says_its_value_and_changes_the_runs(page):
    slider = page.locator(".lab-controls input[type=range]:visible").first
    assert slider.get_attribute("aria-valuetext") == "100"
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "150"
    assert field(page, "n").input_value() == "150"
    assert "n=150" in page.url
    button(page, "One generation").click()
    small = sentence(page)
    page.go_back()
    assert "n=150" not in page.url or small


def test_the_picture_follows_and_names_what_is_lost(page):
    before = page.locator(".lab-bars svg").get_attribute("aria-label")
    finish(page)
    after = page.locator(".lab-bars svg").get_attribute("aria-label")
    assert before != after
    assert sentence(page) in after
    assert "Generation 200." in after
    lost = page.locator(".lab-lost").inner_text().removeprefix("Lost: ").rstrip(".").split(", ")
    left = page.evaluate("Laboratory.labs[0].runs.runs[0].support")
    assert len(lost) == 25 - left
    assert left < 25
    for canvas in page.locator(".lab-plot canvas[role=img]").all():
        assert sentence(page) in canvas.get_attribute("aria-label")


def test_a_link_brings_everything_back(faults, served, page):
    enter(page, "n", 37)
    enter(page, "temperature", 0.95)
    page.get_by_label("Each model learns from").first.select_option("fresh")
    button(page, "Another seed").click()
    button(page, "Pause").click()
    finish(page)
    again = faults.open(page.url)
    assert again.evaluate("Laboratory.labs[0].state") == page.evaluate("Laboratory.labs[0].state")
    finish(again)
    assert sentence(again) == sentence(page)
    other = faults.open(f"{served}/{PAGE}#n=0&support=9&source=words")
    message = other.locator(".lab-error").inner_text()
    assert "Samples of a model, n must be a whole number from 1 to 100,000" in message
    assert "not part of it" in message


@pytest.mark.parametrize("number", [0, 1, 2])
def test_guess_play_read(page, number):
    page.locator(".lab-tab").nth(number).click()
    page.get_by_label("Speed").select_option("all")
    answer = page.locator(".lab-answer").last
    answer.click()
    assert answer.get_attribute("aria-pressed") == "true"
    page.wait_for_function("Laboratory.labs[0].runs.done && !Laboratory.labs[0].playing")
    reading = page.locator(".lab-reading").inner_text()
    assert reading.startswith("The answer is: the rare ones." if number == 0 else "Right.")
    assert page.locator(".laboratory > [aria-live=polite]").inner_text() in reading


LINKS = """
    () => {
        const found = new Set();
        const lab = Laboratory.labs[0];
        const look = () =>
            document.querySelectorAll(".laboratory a").forEach((a) => found.add(a.href));
        for (const schedule of ["alone", "kept", "fresh", "window", "accumulating", "random"]) {
            lab.set("schedule", schedule);
            look();
        }
        for (const tab of document.querySelectorAll(".lab-tab")) {
            tab.click();
            document.querySelector(".lab-answer").click();
            while (!lab.runs.done) lab.runs.advance();
            lab.finished();
            look();
        }
        lab.set("schedule", "alone");
        lab.set("temperature", "1");
        lab.set("pseudocounts", "3");
        look();
        return Array.from(found);
    }
"""


def test_links_to_the_book_lead_somewhere(page):
    found = page.evaluate(LINKS)
    assert found
    for address in found:
        target, fragment = urldefrag(address)
        file = SITE / unquote(urlsplit(target).path).lstrip("/")
        assert file.is_file(), address
        assert not fragment or f'id="{fragment}"' in file.read_text("utf8"), address


# ---- speed

FRAMES = """
    (milliseconds) => new Promise((resolve) => {
        const lab = Laboratory.labs[0];
        const costs = []; // of pictures with a new generation
        let frames = 0;
        const tick = lab.tick.bind(lab);
        lab.tick = (now) => {
            const start = performance.now();
            const { generation } = lab.runs;
            tick(now);
            if (lab.runs.generation > generation) costs.push(performance.now() - start);
            frames++;
        };
        lab.play();
        const began = performance.now();
        setTimeout(() => {
            lab.pause();
            const rate = 1000 * frames / (performance.now() - began);
            costs.sort((a, b) => a - b); // whatever else the machine does makes some longer
            resolve([rate, costs[Math.floor(costs.length / 4)], lab.runs.generation]);
        }, milliseconds);
    })
"""


@pytest.mark.parametrize(("runs", "least"), [(1, 60), (200, 20)])
def test_pictures_a_second(faults, served, runs, least, record_property, capsys):
    """What a frame costs must leave room for `least` a second; how many there were is reported."""
    page = faults.open(
        f"{served}/{PAGE}#source=law&support=1000&collision=0.01&n=1000&generations=2000"
        f"&runs={runs}&speed=40"
    )
    rate, cost, generation = page.evaluate(FRAMES, 3000)
    record_property(f"pictures a second, {runs} runs", rate)
    with capsys.disabled():
        print(f"\n{runs} runs of 1,000 tokens: {rate:.0f} pictures a second, {cost:.1f} ms each")
    assert generation > 10
    assert cost < 1000 / least


GAPS = """
    () => {
        window.gaps = [];
        let last = performance.now();
        const look = (now) => {
            gaps.push(now - last);
            last = now;
            requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    }
"""


def long_text(size):
    rng = random.Random(1)
    words = [
        "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9)))
        for _ in range(50_000)
    ]
    text = " ".join(words[int(rng.random() ** 3 * 50_000)] for _ in range(size // 6))
    return (text * 2)[: size - 100]


def test_a_text_of_20_megabytes_does_not_freeze_the_page(page, tmp_path, capsys):
    path = tmp_path / "long.txt"
    path.write_text(long_text(20_000_000), "utf8")
    page.get_by_label("Language", exact=True).select_option("words")
    page.evaluate(GAPS)
    page.locator("#lab-file").set_input_files(path)
    page.wait_for_function("Laboratory.labs[0].state.source == 'words'")
    page.wait_for_function("Laboratory.labs[0].writing.text")
    page.wait_for_timeout(1000)
    button(page, "Pause").click()
    button(page, "Write the next generation").click()
    page.wait_for_function("Laboratory.labs[0].writing.generation == 1")
    gaps = page.evaluate("gaps")
    with capsys.disabled():
        print(f"\n20 MB: {len(gaps)} pictures, the longest pause {max(gaps):.0f} ms")
    assert max(gaps) < 1500
    assert sorted(gaps)[int(0.98 * len(gaps))] < 250
    assert page.evaluate("Laboratory.labs[0].state.n") == 100_000
    assert page.locator("#lab-own").input_value().endswith("characters in all]")


# ---- the reader's own text


def test_own_text_declines_within_a_minute(page):
    use_text(page, TEXT)
    page.wait_for_function("Laboratory.labs[0].runs.generation > 20")
    assert "words left" in sentence(page)
    assert page.locator(".lab-lost").inner_text().startswith("Lost: ")
    button(page, "Write the next generation").click()
    page.wait_for_function("Laboratory.labs[0].writing.generation == 1")
    for generation in range(2, 26):
        button(page, "Write the next generation").click()
        page.wait_for_function(f"Laboratory.labs[0].writing.generation == {generation}")
    gone = page.locator(".lab-page del").all_inner_texts()
    assert gone
    written = page.evaluate("Laboratory.text.join(Laboratory.labs[0].writing.latest).toLowerCase()")
    for word in gone:
        assert word.lower() not in words_of(written)
    shown = page.locator(".lab-status").inner_text()
    assert f"{len({word.lower() for word in gone})} no longer occur" in shown


def words_of(text):
    return {word.strip(".,;:") for word in text.split()}


def test_shakespeare_writes(page):
    button(page, "Load Shakespeare’s counts (0.8 MB)").click()
    button(page, "Write the next generation").wait_for()
    page.wait_for_function("Laboratory.labs[0].writing.text")
    for generation in (1, 2):
        button(page, "Write the next generation").click()
        page.wait_for_function(f"Laboratory.labs[0].writing.generation == {generation}")
    assert len(page.locator(".lab-page").nth(1).inner_text()) > 1000
    assert page.locator(".lab-page del").count() > 0
    page.locator("#lab-unit").select_option("words")
    page.wait_for_function("Laboratory.labs[0].writing.generation == 0")


BAD_FILES = [
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "not UTF-8 text"),
    ("né".encode("latin-1"), "not UTF-8 text"),
    (b"", "There is no text yet"),
    (b"word word word", "a single word"),
    (b"?!", "has no words"),
]


@pytest.mark.parametrize(("content", "message"), BAD_FILES)
def test_a_bad_file_is_one_sentence_and_nothing_is_lost(page, content, message):
    use_text(page, TEXT)
    page.wait_for_function("Laboratory.labs[0].state.source == 'words'")
    finish(page)
    before = sentence(page), page.url, page.locator("#lab-own").input_value()
    page.locator("#lab-file").set_input_files(
        {"name": "x.txt", "mimeType": "text/plain", "buffer": content}
    )
    page.wait_for_selector(".lab-error:visible")
    error = page.locator(".lab-error").inner_text()
    assert message in error
    assert error.count(". ") == 0
    assert (sentence(page), page.url, page.locator("#lab-own").input_value()) == before


def test_an_empty_box_is_one_sentence(page):
    use_text(page, "  ")
    page.wait_for_selector(".lab-error:visible")
    assert page.locator(".lab-error").inner_text() == (
        "There is no text yet: paste one, or open a file."
    )
    assert page.evaluate("Laboratory.labs[0].state.source") == "letters"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n", "0"),
        ("n", "100001"),
        ("n", "ten"),
        ("runs", "201"),
        ("temperature", "0"),
        ("seed", "-1"),
    ],
)
def test_a_number_out_of_range_is_one_sentence_and_changes_nothing(page, key, value):
    before = page.evaluate("Laboratory.labs[0].state")
    enter(page, key, value)
    error = page.locator(".lab-error").inner_text()
    assert f"it was “{value}”." in error
    assert error.count(". ") == 0
    assert page.evaluate("Laboratory.labs[0].state") == before
    assert field(page, key).input_value() == ("off" if key == "temperature" else str(before[key]))
    enter(page, key, 2)
    assert not page.locator(".lab-error").is_visible()


def test_planner_answers_follow_the_settings(page):
    answers = page.locator(".lab-answers dd")
    before = answers.all_inner_texts()
    assert len(before) == 4
    enter(page, "temperature", 0.9)
    assert "b = 0.0" in answers.nth(3).inner_text()
    enter(page, "temperature", "off")
    assert answers.nth(3).inner_text() == before[3]
    plan = page.locator('.lab-section:has(#lab-plan-title) input[id^="lab-real-"]')
    plan.fill("100000")
    plan.press("Enter")
    assert "any amount of synthetic data" in answers.nth(1).inner_text()
    assert page.evaluate("Laboratory.labs[0].state.real") == 100_000


# ---- what readers save


def saved(page, name):
    with page.expect_download() as download:
        button(page, name).click()
    return download.value.path().read_bytes()


def test_data_and_pictures_can_be_saved(page):
    finish(page)
    rows = list(csv.reader(io.StringIO(saved(page, "Data (CSV)").decode())))
    assert len(rows) == 202
    assert len(rows[0]) == 3 + 2 * 20
    assert {len(row) for row in rows} == {43}
    picture = ET.fromstring(saved(page, "Picture (SVG)"))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(picture.findall(".//{*}polyline")) > 40
    assert "Generation 200." in picture.find("{*}desc").text
    assert saved(page, "Picture (PNG)").startswith(b"\x89PNG\r\n\x1a\n")


def test_python_lines_are_shown_and_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    enter(page, "n", 33)
    button(page, "Copy as Python").click()
    page.wait_for_function("document.querySelector('.lab-told').textContent")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator(".lab-code").text_content()
    assert "FullySynthetic(n=33)" in copied
    button(page, "Copy link").click()
    page.wait_for_function("document.querySelector('.lab-told').textContent.includes('link')")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


# ---- other readers


def test_whoever_wants_no_motion_sees_the_end(browser, served):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{served}/{PAGE}")
    page.evaluate(
        "() => { const { seen } = Laboratory.labs[0]; const paint = seen.paint.bind(seen);"
        " window.paints = 0; seen.paint = () => { paints++; paint(); }; }"
    )
    play(page)
    page.wait_for_function("Laboratory.labs[0].runs.done && !Laboratory.labs[0].playing")
    assert sentence(page).startswith("Generation 200. ")
    assert page.evaluate("paints") <= 5
    context.close()


def test_without_scripts_a_sentence_stands_there(browser, served):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served}/{PAGE}")
    assert page.locator(".lab-still").is_visible()
    context.close()


@pytest.mark.parametrize("name", EMBEDDED)
def test_small_laboratories_play(faults, base, name):
    page = faults.open(f"{base}/{name}")
    for number, lab in enumerate(page.locator(".laboratory").all()):
        before = lab.locator(".lab-caption").inner_text()
        lab.get_by_role("button", name="Another seed").click()
        page.wait_for_function(f"Laboratory.labs[{number}].runs.generation > 3")
        lab.get_by_role("button", name="Pause").click()
        assert lab.locator(".lab-caption").inner_text() != before
        onward = lab.get_by_role("link", name="Everything else: the laboratory")
        assert urldefrag(urljoin(page.url, onward.get_attribute("href")))[0] == f"{base}/{PAGE}"
        onward.hover()
    assert page.locator(".tag_laboratory-still:visible").count() == 0
    page.emulate_media(media="print")
    stills = page.locator(".tag_laboratory-still")
    assert all(still.is_visible() for still in stills.all())
    for text in page.locator(".lab-still").all():
        assert text.is_visible() or not text.inner_text().strip()
    assert page.locator(".lab-stage:visible").count() == 0
    assert faults.found == []


def test_the_first_page_has_a_play_button_above_the_fold(faults, served):
    page = faults.open(f"{served}/book/intro.html")
    box = button(page, "Play").bounding_box()
    assert box["y"] + box["height"] < 900
    assert page.locator(".lab-bars svg").bounding_box()["y"] < 700
