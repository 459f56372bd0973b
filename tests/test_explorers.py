import base64
import io
import json
import re

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from collapse_lib.explorers import DPI, SIZE, Explorer, Slider


def draw(ax, slope, offset):
    ax.plot([0, 1], [offset, offset + slope])
    ax.set_ylim(0, 12)
    return f'A line of slope {slope} from {offset}, "steep" & <sloping></script>.'


@pytest.fixture
def explorer():
    return Explorer(
        draw,
        slope=Slider("Slope & <b>sign", (1, 2, 4), start=1),
        offset=Slider("Offset", (0.5, 3)),
    )


@pytest.fixture
def page(explorer):
    return BeautifulSoup(explorer.html(), "html.parser")


def decode(url):
    kind, data = re.fullmatch(r"data:image/(\w+);base64,(.+)", url).groups()
    return kind, Image.open(io.BytesIO(base64.b64decode(data)))


def test_page_has_a_frame_for_each_combination_in_order(explorer, page):
    frames = json.loads(page.find("script", type="application/json").string)
    alts = [alt for _, alt in frames]
    expected = [explorer.describe(slope=s, offset=o) for s in (1, 2, 4) for o in (0.5, 3)]
    assert alts == expected
    assert len({image for image, _ in frames}) == 6
    kind, picture = decode(frames[0][0])
    assert kind == "webp"
    assert picture.size == (SIZE[0] * DPI, SIZE[1] * DPI)


def test_page_starts_where_the_sliders_stand(page):
    frames = json.loads(page.find("script", type="application/json").string)
    assert page.img["src"] == frames[2][0]
    assert page.img["alt"] == frames[2][1] == page.figcaption.string
    assert [control["value"] for control in page.find_all("input")] == ["1", "0"]


def test_page_is_accessible_in_structure(page):
    labels = [control.find_parent("label").span.string for control in page.find_all("input")]
    assert labels == ["Slope & <b>sign", "Offset"]
    values = [json.loads(control["data-values"]) for control in page.find_all("input")]
    assert values == [["1", "2", "4"], ["0.5", "3"]]
    assert page.figcaption["aria-live"] == "polite"
    assert not page.find_all(id=True)  # the same explorer may stand on a page twice


def test_page_is_the_same_each_time_and_names_nothing_outside(explorer):
    html = explorer.html()
    assert html == explorer.html()
    assert "http" not in html
    assert "$" not in re.sub(r"base64,[^\"]+", "", html)


def test_live_widget_redraws(explorer):
    box = explorer.widget()
    slope, offset, picture = box.children
    assert (slope.value, offset.value) == (2, 0.5)
    before = picture.value
    slope.value = 4
    after = BeautifulSoup(picture.value, "html.parser")
    assert picture.value != before
    assert after.img["alt"] == explorer.describe(slope=4, offset=0.5)
    assert decode(after.img["src"])[0] == "png"
    assert after.find(attrs={"aria-live": "polite"}).string == after.img["alt"]


def test_one_switch_decides_between_page_and_widget(explorer, monkeypatch):
    monkeypatch.delenv("COLLAPSE_BOOK", raising=False)
    live = explorer._repr_mimebundle_()
    assert set(live) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    monkeypatch.setenv("COLLAPSE_BOOK", "1")
    assert set(explorer._repr_mimebundle_()) == {"text/html", "text/plain"}


@pytest.mark.parametrize(
    ("controls", "got"),
    [
        ({}, "none"),
        ({name: Slider(name, (1, 2)) for name in "abc"}, "3 with 8"),
        ({"slope": Slider("many", tuple(range(65)))}, "1 with 65"),
        ({"a": Slider("a", tuple(range(9))), "b": Slider("b", tuple(range(8)))}, "2 with 72"),
    ],
)
def test_too_many_or_too_few_controls(controls, got):
    message = f"controls must be 1 to 2 sliders with at most 64 combinations of values, got {got}"
    with pytest.raises(ValueError, match=message):
        Explorer(draw, **controls)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((("one",),), "values must be at least two, got ('one',)"),
        (((1, 2), 2), "start must be an index of values, got 2"),
        (((1, 2), -1), "start must be an index of values, got -1"),
        (("ab",), "values must be at least two, got 'ab'"),
        (((1, 2), 1.0), "start must be an index of values, got 1.0"),
    ],
)
def test_bad_sliders(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Slider("label", *arguments)


def test_values_that_look_like_markup_are_kept():
    explorer = Explorer(lambda ax, a: f"Value {a}.", a=Slider("a", ('"', "<i>")))
    control = BeautifulSoup(explorer.html(), "html.parser").input
    assert json.loads(control["data-values"]) == ['"', "<i>"]


def test_sixty_four_frames_are_allowed():
    Explorer(draw, slope=Slider("a", tuple(range(8))), offset=Slider("b", tuple(range(8))))


def test_a_drawing_without_a_sentence_is_refused():
    explorer = Explorer(lambda ax, a: None, a=Slider("a", (1, 2)))
    with pytest.raises(ValueError, match="draw must return a sentence about the picture, got None"):
        explorer.html()


def test_a_drawing_that_fails_leaves_no_picture_of_other_values():
    def fails(ax, a):
        if a == 2:
            raise ArithmeticError("<two>")
        return f"Value {a}."

    box = Explorer(fails, a=Slider("a", (1, 2, 3))).widget()
    slider, picture = box.children
    with pytest.raises(ArithmeticError):
        slider.value = 2
    shown = BeautifulSoup(picture.value, "html.parser")
    assert not shown.img
    assert shown.find(role="alert").string == "No picture of {'a': 2}: ArithmeticError: <two>"
    slider.value = 3
    assert BeautifulSoup(picture.value, "html.parser").img["alt"] == "Value 3."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Explorer(3, a=Slider("a", (1, 2))), "draw must be callable, got 3"),
        (lambda: Explorer(draw, slope=(1, 2)), "slope must be a Slider, got (1, 2)"),
        (lambda: Slider(None, (1, 2)), "label must be a string, got None"),
        (lambda: Slider("a", (1, 2), True), "start must be an index of values, got True"),
        (lambda: Slider("a", (1, "1")), "values must look different, got (1, '1')"),
    ],
)
def test_more_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_a_start_of_numpy_is_an_index():
    assert Slider("a", (1, 2), np.int64(1)).start == 1
