"""A picture of panels is one picture on a wide screen and a column of its panels on a narrow one.

The picture that `plotting.panels` makes is put in the place of those of a built page.
"""

import io
from itertools import pairwise

import matplotlib
import pytest
from matplotlib_inline.config import InlineBackend

from collapse_lib import plotting
from tests.support import SITE

NAME = next(
    path.name
    for path in sorted((SITE / "book").glob("*.html"))
    if "_images/" in path.read_text("utf8")
)


@pytest.fixture(scope="module")
def picture():
    """Four panels of one colour each, as a notebook would store them."""
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    with plt.style.context("collapse_lib.book"):
        fig, axes = plotting.panels(4)
        for ax, color in zip(axes, ("red", "lime", "blue", "yellow"), strict=True):
            ax.set_facecolor(color)
            ax.set(xlabel="x", ylabel="y")
        file = io.BytesIO()
        fig.savefig(file, **InlineBackend().print_figure_kwargs)
        plt.close(fig)
    return file.getvalue()


def open_page(browser, served, picture, width, theme="light"):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.route(
        "**/_images/*.png", lambda route: route.fulfill(body=picture, content_type="image/png")
    )
    page.goto(f"{served}/book/{NAME}")
    page.wait_for_selector("img.of-panels", state="attached")
    return page


def test_one_picture_on_a_wide_screen(browser, served, picture):
    page = open_page(browser, served, picture, 1280)
    shown = page.locator("img.of-panels").first
    assert shown.bounding_box()["width"] > 600
    assert not page.locator(".stacked-panels").first.is_visible()
    assert page.locator(".wide-picture").count() == 0
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panels_below_each_other_on_a_phone(browser, served, picture, theme):
    page = open_page(browser, served, picture, 360, theme)
    stack = page.locator(".stacked-panels").first
    stack.scroll_into_view_if_needed()
    boxes = [panel.bounding_box() for panel in stack.locator("> div").all()]
    assert len(boxes) == 4
    for above, below in pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"]
    assert all(box["width"] > 280 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # The picture is still there for readers who cannot see it, and takes no room.
    hidden = page.locator("img.of-panels").first
    assert len(hidden.get_attribute("alt")) > 40
    assert hidden.bounding_box()["width"] <= 1

    # Each box shows its own panel, and all of it: one colour in the middle, none at the edges.
    colors = []
    for panel in stack.locator("> div").all():
        image = matplotlib.image.imread(io.BytesIO(panel.screenshot()))
        height, width = image.shape[:2]
        colors.append(tuple(image[height // 2, width // 2, :3].round(1)))
        corner = image[2, 2, :3]
        assert (corner > 0.9).all() if theme == "light" else (corner < 0.2).all()
    if theme == "light":
        assert colors == [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)]
    assert len(set(colors)) == 4
    page.close()


def test_letters_are_large_enough_on_a_phone():
    """Nine pixels where the column is 330 wide, for a single figure as for a panel."""
    import matplotlib.pyplot as plt

    with plt.style.context("collapse_lib.book"):
        size = plt.rcParams["font.size"] / 72  # in inches
        for width in (plt.rcParams["figure.figsize"][0], plotting.PANEL[0]):
            assert size / width * 330 > 8.9
