import io
import re
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from collapse_lib import plotting


@pytest.fixture
def ax():
    return Figure().subplots()


def test_runs_draw_every_run_and_their_mean(ax):
    values = np.random.default_rng(0).random((7, 4))
    lines = plotting.runs(ax, values, label="the mean")
    assert len(lines) == 8
    for line, run in zip(lines, values, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), run)
    np.testing.assert_allclose(lines[-1].get_ydata(), values.mean(axis=0))
    assert ax.get_legend_handles_labels()[1] == ["the mean"]


def test_standard_error_is_that_of_the_mean(ax):
    values = np.random.default_rng(0).random((40, 3))
    band = plotting.standard_error(ax, values, widths=2)
    heights = band.get_paths()[0].vertices
    margin = 2 * values.std(axis=0, ddof=1) / np.sqrt(40)
    for m in range(3):
        at_m = heights[heights[:, 0] == m, 1]
        assert at_m.min() == pytest.approx(values.mean(axis=0)[m] - margin[m])
        assert at_m.max() == pytest.approx(values.mean(axis=0)[m] + margin[m])


def test_an_interval_is_student_s(ax):
    values = np.random.default_rng(0).random((3, 4))
    line, band = plotting.mean_with_interval(ax, [1, 2, 3, 4], values, label="runs", marker="o")
    np.testing.assert_allclose(line.get_ydata(), values.mean(axis=0))
    heights = band.get_paths()[0].vertices
    margin = 4.303 * values.std(axis=0, ddof=1) / np.sqrt(3)  # 97.5%, two degrees of freedom
    for i, x in enumerate((1, 2, 3, 4)):
        at_x = heights[heights[:, 0] == x, 1]
        assert at_x.max() == pytest.approx(values.mean(axis=0)[i] + margin[i], rel=1e-3)
    assert ax.get_legend_handles_labels()[1] == ["runs"]


def test_theory_is_dashed_and_on_top(ax):
    plotting.runs(ax, np.zeros((3, 5)))
    line = plotting.exact(ax, range(5), [1, 2, 3, 4, 5])
    assert line.is_dashed()
    assert ax.lines[-1] is line
    np.testing.assert_array_equal(line.get_ydata(), [1, 2, 3, 4, 5])


def test_distribution_draws_one_stem_a_token(ax):
    stems = plotting.distribution(ax, [0.5, 0.3, 0.2])
    tops = [segment[1].tolist() for segment in stems.get_segments()]
    assert tops == [[1, 0.5], [2, 0.3], [3, 0.2]]


def test_wrong_shapes(ax):
    with pytest.raises(ValueError, match=re.escape("values must have shape (replicates, gen")):
        plotting.runs(ax, [1, 2, 3])
    with pytest.raises(ValueError, match="values must hold at least two replicates"):
        plotting.standard_error(ax, [[1, 2, 3]])
    assert not ax.lines
    assert not ax.collections


def luminance(color, inverted=False):
    """Return the relative luminance of WCAG 2, of the colour or its dark-theme image."""
    channels = np.array(to_rgba(color)[:3])
    if inverted:  # invert(1) hue-rotate(180deg), as the style sheet of the pages does
        channels = np.clip(HUE_ROTATED @ (1 - channels), 0, 1)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


# The matrix of hue-rotate(180deg) in the CSS Filter Effects module.
HUE_ROTATED = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])


@pytest.mark.parametrize("color", [plotting.SIMULATED, plotting.EXACT, plotting.COMPARED])
def test_colours_can_be_seen_in_both_themes(color):
    on_white = 1.05 / (luminance(color) + 0.05)
    on_dark = (luminance(color, inverted=True) + 0.05) / (luminance("#121212") + 0.05)
    assert on_white >= 3
    assert on_dark >= 3


def test_the_style_sheet_belongs_to_the_package():
    with plt.style.context("collapse_lib.book"):
        cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
        assert to_rgba(cycle[0]) == to_rgba(plotting.SIMULATED)
        assert to_rgba(cycle[1]) == to_rgba(plotting.COMPARED)


def test_simplex_corners_are_dirac_masses(ax):
    plotting.simplex(ax)
    x, y = plotting.on_simplex(np.eye(3))
    np.testing.assert_allclose(np.hypot(x - np.roll(x, 1), y - np.roll(y, 1)), 1)
    middle = plotting.on_simplex([1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(middle, [x.mean(), y.mean()])
    assert [text.get_text() for text in ax.texts] == ["token 1", "token 2", "token 3"]
    with pytest.raises(ValueError, match=re.escape("p must have shape (..., 3), got (2, 4)")):
        plotting.on_simplex(np.full((2, 4), 1 / 4))


def test_who_feeds_whom_marks_kept_and_new_samples(ax):
    squares, circles = plotting.who_feeds_whom(ax, [[4], [4, 2], [4, 0, 2]], [True, False, False])
    assert squares.get_offsets().tolist() == [[0, 1], [0, 2], [0, 3]]
    assert circles.get_offsets().tolist() == [[1, 2], [2, 3]]
    assert circles.get_sizes()[0] == squares.get_sizes()[0] / 2
    (only,) = plotting.who_feeds_whom(ax, [[3], [0, 3]], [False, False])
    assert only.get_offsets().tolist() == [[0, 1], [1, 2]]


def test_model_and_frequencies(ax):
    bars, crosses, dashes = plotting.model_and_frequencies(ax, [0.4, 0.6], [0.3, 0.7], [0.5, 0.5])
    assert [bar.get_height() for bar in bars] == [0.3, 0.7]
    assert crosses.get_ydata().tolist() == [0.4, 0.6]
    assert dashes.get_ydata().tolist() == [0.5, 0.5]
    labels = {text.get_text() for text in ax.get_legend().get_texts()}
    assert labels == {"frequencies", "model", "truth"}


def test_kept_may_be_numpy_booleans(ax):
    drawn = plotting.who_feeds_whom(ax, [[4], [4, 2]], np.array([True, False]))
    assert len(drawn) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ax: plotting.who_feeds_whom(ax, [[0]], [True]), "sizes must hold a positive"),
        (lambda ax: plotting.runs(ax, np.zeros((0, 3))), "values must have shape"),
    ],
)
def test_nothing_to_draw(ax, call, message):
    with pytest.raises(ValueError, match=message):
        call(ax)


def test_genealogy_marks_the_ancestors_of_the_last_generation(ax):
    # Generation 3 copies samples 0, 0, 2 of generation 2, which copy 1 and 2 of generation 1.
    thick, thin, dots = plotting.genealogy(ax, [[1, 1, 2], [0, 0, 2]])
    segments = {tuple(map(tuple, line.tolist())) for line in np.array(thick.get_segments())}
    assert segments == {
        ((2, 0), (3, 0)),
        ((2, 0), (3, 1)),
        ((2, 2), (3, 2)),
        ((1, 1), (2, 0)),
        ((1, 2), (2, 2)),
    }
    assert np.array(thin.get_segments()).tolist() == [[[1, 1], [2, 1]]]
    assert len(dots.get_offsets()) == 9


def test_panels_are_equal_and_complete(ax):
    fig, axes = plotting.panels(3, sharey=True)
    try:
        assert axes.shape == (3,)
        np.testing.assert_allclose(fig.get_size_inches(), np.multiply(plotting.PANEL, (2, 2)))
        axes[1].plot([0, 1], [0, 7])
        assert axes[0].get_ylim() == axes[2].get_ylim()
        for panel in axes:
            panel.set(xlabel="x", ylabel="y")
        # Labels stay within their own half, so that the picture can be cut there.
        fig.canvas.draw()
        middle, horizon = fig.bbox.width / 2, fig.bbox.height / 2
        boxes = [panel.get_tightbbox() for panel in axes]
        assert boxes[0].x1 <= middle <= boxes[1].x0
        assert boxes[2].y1 <= horizon <= boxes[0].y0
    finally:
        plt.close(fig)


@pytest.mark.parametrize("count", [2, 3])
def test_panels_share_a_logarithmic_scale(ax, count):
    fig, axes = plotting.panels(count, sharey=True)
    try:
        for k, panel in enumerate(axes):
            panel.loglog([1, 20], [10.0**-k, 1000])
        fig.canvas.draw()
        assert {panel.get_yscale() for panel in axes} == {"log"}
        ((low, high),) = {panel.get_ylim() for panel in axes}
        assert 0 < low < 10.0 ** (1 - count) < 1000 < high
        labels = [[text.get_text() for text in panel.get_yticklabels()] for panel in axes]
        assert labels == [labels[0]] * count
        assert any(labels[0])
    finally:
        plt.close(fig)


def test_panels_that_share_a_scale_are_drawn_when_they_are_shown(ax, monkeypatch):
    fig, axes = plotting.panels(2, sharey=True)
    drawn = []
    monkeypatch.setattr(type(fig), "draw", lambda *_: drawn.append(1))
    try:
        for panel in axes:
            panel.plot([1, 2], [1, 1000])
            panel.set(yscale="log", ylim=(0.1, 2000))
        assert not drawn
        fig.canvas.draw()
        assert drawn == [1]
    finally:
        plt.close(fig)


def test_pictures_of_panels_are_cut_where_book_js_cuts_them():
    """As a notebook stores them: cropped to what is drawn, with a margin."""
    from matplotlib_inline.config import InlineBackend

    script = (Path(__file__).parent.parent / "book" / "_static" / "book.js").read_text("utf8")
    width, height, margin = map(
        int, re.search(r"PANEL = \{ width: (\d+), height: (\d+), margin: (\d+) \}", script).groups()
    )
    with plt.style.context("collapse_lib.book"):
        for count, *grid in ((2, 2, 1), (3, 3, 1), (4, 2, 2), (5, 2, 3)):
            fig, axes = plotting.panels(count, columns=grid[0])
            axes[0].set(xlabel="x", ylabel="y", title="A title")
            file = io.BytesIO()
            fig.savefig(file, **InlineBackend().print_figure_kwargs)
            plt.close(fig)
            size = plt.imread(io.BytesIO(file.getvalue())).shape[:2]
            expected = np.multiply(grid, (width, height)) + 2 * margin
            np.testing.assert_allclose(size[::-1], expected, atol=2)


@pytest.mark.parametrize("count", [1, 2, 5, 10, 20])
def test_curves_in_an_order_can_be_told_apart(count):
    styles = plotting.ordered(count)
    assert len(styles) == count
    for style, following in pairwise(styles):
        assert style["linestyle"] != following["linestyle"]
        assert style["color"] != following["color"]
    for style in styles:
        assert 1.05 / (luminance(style["color"]) + 0.05) >= 3
        dark = luminance(style["color"], inverted=True) + 0.05
        assert dark / (luminance("#121212") + 0.05) >= 3


@given(st.floats(min_value=-1e300, max_value=1e300), st.integers(1, 6))
def test_numbers_are_written_without_e_and_read_back(value, digits):
    text = plotting.number(value, digits)
    assert not re.search(r"\de[+-]?\d", text)
    plain = text.strip("$").replace(",", "").replace("−", "-")
    lead, _, exponent = plain.partition("10^{")
    if exponent:
        lead = lead.replace(r" \times ", "")
        read = float({"": "1", "-": "-1"}.get(lead, lead)) * float(f"1e{exponent.rstrip('}')}")
    else:
        read = float(plain)
    assert read == pytest.approx(float(f"{value:.{digits - 1}e}"), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plotting.panels(1), "count must be an integer of at least 2"),
        (lambda: plotting.panels(3, columns=4), "columns must be an integer of at most 3"),
        (lambda: plotting.ordered(0), "count must be an integer of at least 1"),
        (lambda: plotting.number(float("nan")), "value must be a number"),
        (lambda: plotting.number(1, digits=0), "digits must be an integer of at least 1"),
    ],
)
def test_what_cannot_be_drawn_or_written(call, message):
    with pytest.raises(ValueError, match=message):
        call()
