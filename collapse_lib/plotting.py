"""Drawing on given axes: arrays in, artists out. Nothing here simulates.

The book's style sheet is ``collapse_lib.book``. Colours mean the same throughout: blue was
simulated, black is theory, orange is there for comparison.
"""

import itertools

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.collections import LineCollection
from matplotlib.colors import is_color_like, to_hex
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from collapse_lib import _checks, sweeps

#: The colour of simulations.
SIMULATED = "#0072B2"
#: The colour of theory.
EXACT = "black"
#: The colour of anything shown for comparison.
COMPARED = "#D55E00"
#: The path effect that makes a line stand out from others of the same colour.
OUTLINE = withStroke(linewidth=3.5, foreground="white")
#: Width and height of a panel in `panels`, in inches. book.js cuts pictures at these sizes.
PANEL = (4.2, 3.0)


def panels(count, columns=2, sharey=False):
    """Make a figure of equal panels, which the pages of the book stack on a narrow screen.

    Parameters
    ----------
    count : int
        How many panels, at least two.
    columns : int, optional
        How many are side by side on a wide screen, 2 or 3.
    sharey : bool, optional
        Whether all panels have the same vertical scale. Each keeps its own labels, as it stands
        alone on a phone.

    Returns
    -------
    (matplotlib.figure.Figure, ndarray of matplotlib.axes.Axes, shape (count,))

    Raises
    ------
    ValueError
        If `count` or `columns` is out of range.

    Examples
    --------
    >>> fig, (left, right) = panels(2)
    >>> fig.get_size_inches().tolist()
    [8.4, 3.0]
    """
    import matplotlib.pyplot as plt

    count = _checks.integer(count, "count", 2, 12)
    columns = min(_checks.integer(columns, "columns", 2, 3), count)
    sharey = _checks.boolean(sharey, "sharey")
    rows = -(-count // columns)
    fig = plt.figure(figsize=(columns * PANEL[0], rows * PANEL[1]), layout="constrained")
    # Notebooks crop pictures to what is drawn: an invisible frame keeps the full size for book.js.
    fig.add_artist(Rectangle((0, 0), 1, 1, transform=fig.transFigure, fill=False, linewidth=0))
    parts = fig.subfigures(rows, columns, squeeze=False).flat
    axes = np.array([part.subplots() for part, _ in zip(parts, range(count), strict=False)])
    if sharey:
        if type(fig.canvas).draw_idle is FigureCanvasBase.draw_idle:
            # Without an event loop, `draw_idle` draws at once. Panels in different subfigures that
            # share a scale call it when one of them sets the scale, while another panel's may be
            # only half set.
            fig.canvas.draw_idle = _nothing
        for ax in axes[1:]:
            ax.sharey(axes[0])
    return fig, axes


def _nothing(*_, **__):
    """Do nothing: the figure is drawn anyway when it is shown or saved."""


def ordered(count):
    """Return styles for curves that have an order, such as one per generation.

    Colours go from dark blue to orange, and neighbours have different dashes, so that readers can
    tell the curves apart in both themes, in print and without colours.

    Parameters
    ----------
    count : int
        How many curves, from 1 to 20.

    Returns
    -------
    list of dict
        Keyword arguments of ``ax.plot``.

    Examples
    --------
    >>> [style["linestyle"] for style in ordered(3)]
    ['-', '--', '-.']
    """
    count = _checks.integer(count, "count", 1, 20)
    colors = colormaps["plasma"](np.linspace(0, 0.6, count))
    dashes = itertools.cycle(["-", "--", "-.", (0, (1, 1)), (0, (6, 2, 1, 2, 1, 2))])
    return [{"color": to_hex(c), "linestyle": d} for c, d in zip(colors, dashes, strict=False)]


def number(value, digits=2):
    r"""Return a number written as people write it, never as 2.2e+03, for labels and texts.

    Parameters
    ----------
    value : float
    digits : int, optional
        How many significant digits.

    Returns
    -------
    str
        Plain digits from a thousandth to a million; otherwise with a power of ten, in the
        mathematical text that Matplotlib and the pages typeset.

    Examples
    --------
    >>> number(2163), number(0.04567), number(2.49e13), number(3e-7)
    ('2,200', '0.046', '$2.5 \\times 10^{13}$', '$3 \\times 10^{-7}$')
    >>> number(100), number(float("inf")), number(0)
    ('100', '∞', '0')
    """
    value = _checks.number(value, "value", -np.inf, np.inf)
    digits = _checks.integer(digits, "digits", 1, 15)
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, exponent = f"{abs(value):.{digits - 1}e}".split("e")
    sign, exponent = "−" if value < 0 else "", int(exponent)
    if value == 0 or -3 <= exponent < 6:
        plain = f"{float(f'{mantissa}e{exponent}'):,.{max(digits - 1 - exponent, 0)}f}"
        return sign + (plain.rstrip("0").rstrip(".") if "." in plain else plain)
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = f"10^{{{exponent}}}"
    lead = "" if mantissa == "1" else rf"{mantissa} \times "
    return f"${sign.replace('−', '-')}{lead}{power}$"


def runs(ax, values, color=SIMULATED, label="mean"):
    """Draw each run as a thin line over the generations, and their mean as a thick one.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : array_like of shape (replicates, generations + 1)
    color : color, optional
    label : str, optional
        The name of the mean in the legend.

    Returns
    -------
    list of matplotlib.lines.Line2D
        The runs, and then their mean.

    Raises
    ------
    ValueError
        If `values` has another shape.
    """
    _axes(ax, color=color, label=label)
    values = _checks.numbers(values, "values")
    if values.ndim != 2 or not len(values):
        raise ValueError(
            f"values must have shape (replicates, generations + 1), got {values.shape}"
        )
    faint = np.clip(4 / len(values), 0.06, 0.35)  # the more runs, the fainter each
    thin = ax.plot(values.T, color=color, alpha=faint, linewidth=0.8)
    mean = ax.plot(values.mean(axis=0), color=color, label=label, path_effects=[OUTLINE])
    return thin + mean


def standard_error(ax, values, widths=3, color=SIMULATED):
    """Shade the mean plus and minus `widths` standard errors, generation by generation.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : array_like of shape (replicates, generations + 1)
        At least two replicates.
    widths : float, optional
        How many standard errors; by default 3.
    color : color, optional

    Returns
    -------
    matplotlib.collections.PolyCollection

    Raises
    ------
    ValueError
        If `values` has another shape, or `widths` is negative.
    """
    _axes(ax, color=color)
    values = _checks.numbers(values, "values")
    widths = _checks.number(widths, "widths", 0, _checks.LARGEST)
    if values.ndim != 2 or len(values) < 2:
        raise ValueError(f"values must hold at least two replicates, got shape {values.shape}")
    mean = values.mean(axis=0)
    margin = widths * values.std(axis=0, ddof=1) / np.sqrt(len(values))
    label = f"mean ± {widths:g} standard errors"
    generations = np.arange(values.shape[1])
    return ax.fill_between(
        generations, mean - margin, mean + margin, color=color, alpha=0.25, linewidth=0, label=label
    )


def mean_with_interval(ax, x, values, level=0.95, **style):
    """Draw the mean over a few runs, with Student's confidence interval.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x : array_like of shape (points,)
    values : array_like of shape (runs, points)
        At least two runs, such as one per seed.
    level : float, optional
        The confidence level, between 0 and 1.
    **style
        The style of the line, passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    (matplotlib.lines.Line2D, matplotlib.collections.PolyCollection)

    Raises
    ------
    ValueError
        If `values` has another shape or `level` is out of range.
    """
    _axes(ax)
    x = _checks.numbers(x, "x", ndim=1)
    mean, margin = sweeps.mean_and_margin(values, level)
    _same_shape(mean, "values", x, "x")
    (line,) = ax.plot(x, mean, **style)
    band = {"color": line.get_color(), "alpha": 0.25, "linewidth": 0}
    return line, ax.fill_between(x, mean - margin, mean + margin, **band)


def exact(ax, generations, values, label="exact", color=EXACT):
    """Draw a theoretical curve, dashed, over simulations.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    generations : array_like of shape (points,)
    values : array_like of shape (points,)
        The values that theory predicts.
    label : str, optional
        The name of the curve in the legend.
    color : color, optional

    Returns
    -------
    matplotlib.lines.Line2D

    Raises
    ------
    ValueError
        If `generations` and `values` differ in shape.
    """
    _axes(ax, color=color, label=label)
    generations = _checks.numbers(generations, "generations", ndim=1)
    values = _same_shape(values, "values", generations, "generations")
    (line,) = ax.plot(generations, values, color=color, linestyle=(0, (4, 2)), label=label)
    return line


def distribution(ax, p, color=SIMULATED, label=None):
    """Draw a distribution over tokens as stems, in the order of the tokens.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    p : array_like of shape (tokens,)
    color : color, optional
    label : str, optional
        The name of the stems in the legend.

    Returns
    -------
    matplotlib.collections.LineCollection

    Raises
    ------
    ValueError
        If `p` has another shape.
    """
    _axes(ax, color=color, label=label)
    p = _checks.numbers(p, "p", ndim=1)
    tokens = np.arange(1, p.size + 1)
    return ax.vlines(tokens, 0, p, color=color, label=label, linewidth=2)


def on_simplex(p):
    """Return the positions of distributions over three tokens in the triangle of `simplex`.

    Parameters
    ----------
    p : array_like of shape (..., 3)

    Returns
    -------
    (ndarray, ndarray)
        Horizontal and vertical positions, with the shape of `p` without its last axis.

    Raises
    ------
    ValueError
        If the last axis of `p` does not have three entries.
    """
    p = _checks.numbers(p, "p")
    if p.ndim == 0 or p.shape[-1] != 3:
        raise ValueError(f"p must have shape (..., 3), got {p.shape}")
    return p[..., 1] + p[..., 2] / 2, p[..., 2] * np.sqrt(3) / 2


def simplex(ax, labels=("token 1", "token 2", "token 3")):
    """Draw the triangle of all distributions over three tokens; a corner is a Dirac mass.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    labels : sequence of str, optional
        The names of the tokens; the corners are left, right and top.

    Returns
    -------
    matplotlib.lines.Line2D
        The outline.

    Raises
    ------
    ValueError
        If there are not three labels.
    """
    _axes(ax)
    if not isinstance(labels, list | tuple) or len(labels) != 3:
        raise ValueError(f"labels must be three strings, got {_checks.shown(labels)}")
    labels = [_checks.text(label, "labels") for label in labels]
    corners = np.eye(3)
    (outline,) = ax.plot(*on_simplex(corners[[0, 1, 2, 0]]), color="0.5", linewidth=1, zorder=0)
    # Far enough from the corners to leave room for a disc there.
    places = [("right", "top", -6, -5), ("left", "top", 6, -5), ("center", "bottom", 0, 8)]
    for corner, label, (horizontal, vertical, *away) in zip(corners, labels, places, strict=True):
        ax.annotate(
            label,
            on_simplex(corner),
            xytext=away,
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            fontsize="small",
        )
    # Keep the labels inside the axes, clear of a title and of the next panel's labels.
    ax.set(xlim=(-0.16, 1.16), ylim=(-0.14, 1.02), aspect="equal")
    ax.set_axis_off()
    return outline


def who_feeds_whom(ax, sizes, kept):
    """Draw how many samples of each earlier model every generation is trained on.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    sizes : sequence of array_like
        The sample sizes of generations 1, 2, ...; row m - 1, for generation m, has shape (m,).
    kept : sequence of bool
        For each source, whether its samples are drawn once and kept (squares) or drawn afresh
        for each generation (circles).

    Returns
    -------
    list of matplotlib.collections.PathCollection
        The squares, then the circles, if there are any of each.

    Raises
    ------
    ValueError
        If no size is positive, or `kept` does not cover all sources.
    """
    _axes(ax)
    if not isinstance(sizes, list | tuple | np.ndarray):
        raise ValueError(f"sizes must be a sequence of rows, got {_checks.shown(sizes)}")
    if isinstance(sizes, np.ndarray) and not sizes.ndim:
        raise ValueError(f"sizes must be a sequence of rows, got {sizes!r}")
    sizes = [np.atleast_1d(_checks.integers(row, "sizes", 0)).astype(float) for row in sizes]
    if any(row.ndim != 1 for row in sizes):
        raise ValueError("sizes must be a sequence of rows of numbers, got more axes")
    if not isinstance(kept, list | tuple | np.ndarray):
        raise ValueError(f"kept must be a sequence of bool, got {_checks.shown(kept)}")
    if isinstance(kept, np.ndarray) and not kept.ndim:
        raise ValueError(f"kept must be a sequence of bool, got {kept!r}")
    kept = [_checks.boolean(source, "kept") for source in list(kept)]
    sources = max((row.size for row in sizes), default=0)
    if len(kept) < sources:
        raise ValueError(f"kept must have an entry for each of {sources} sources, got {len(kept)}")
    places = [
        (source, generation, size)
        for generation, row in enumerate(sizes, start=1)
        for source, size in enumerate(row)
        if size
    ]
    if not places:
        raise ValueError(f"sizes must hold a positive number, got {_checks.shown(sizes)}")
    largest = max(size for *_, size in places)
    drawn = []
    for is_kept, marker, color in ((True, "s", COMPARED), (False, "o", SIMULATED)):
        mine = np.array([place for place in places if kept[place[0]] is is_kept])
        if mine.size:
            area = 90 * mine[:, 2] / largest
            drawn.append(ax.scatter(mine[:, 0], mine[:, 1], s=area, marker=marker, color=color))
    ax.set(xlabel="samples of model $t$", ylabel="train generation $m$")
    ax.set(xlim=(-0.6, len(sizes) - 0.4), ylim=(len(sizes) + 0.6, 0.4), aspect="equal")
    ax.set(xticks=range(len(sizes)), yticks=range(1, len(sizes) + 1))
    return drawn


def model_and_frequencies(ax, model, frequencies, truth):
    """Draw the frequencies of a corpus as bars, a model as crosses and the truth as dashes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    model : array_like of shape (tokens,)
        Drawn as crosses.
    frequencies : array_like of shape (tokens,)
        Drawn as bars.
    truth : array_like of shape (tokens,)
        Drawn as dashes.

    Returns
    -------
    (BarContainer, Line2D, Line2D)

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    _axes(ax)
    model = _checks.numbers(model, "model", ndim=1)
    frequencies = _same_shape(frequencies, "frequencies", model, "model")
    truth = _same_shape(truth, "truth", model, "model")
    tokens = np.arange(1, len(model) + 1)
    bars = ax.bar(tokens, frequencies, color=SIMULATED, alpha=0.4, label="frequencies")
    crosses = ax.plot(tokens, model, "x", color=EXACT, ms=11, mew=2.5, label="model")
    dashes = ax.plot(tokens, truth, "_", color=COMPARED, ms=40, mew=2, label="truth")
    ax.set(xlabel="token", ylabel="probability", xticks=tokens)
    ax.legend(markerscale=0.5)
    return bars, crosses[0], dashes[0]


def genealogy(ax, parents):
    """Draw samples as dots joined to their parents, with thick lines from the last generation.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    parents : array_like of int, shape (generations - 1, samples)
        Entry [g, l] is the index of the sample in generation g + 1 that sample l of generation
        g + 2 copies. Generations are drawn as columns, samples as rows.

    Returns
    -------
    (LineCollection, LineCollection, PathCollection)
        The thick lines, which lead from the last generation to its ancestors; the other lines;
        the dots.

    Raises
    ------
    ValueError
        If `parents` has another shape, or a parent's index is out of range.
    """
    _axes(ax)
    parents = np.asarray(_checks.integers(parents, "parents", 0))
    if parents.ndim != 2 or not parents.size or parents.max() >= parents.shape[1]:
        raise ValueError(
            "parents must have shape (generations - 1, samples) and hold indices of samples, "
            f"got shape {parents.shape}"
        )
    ancestors, thick, thin = set(range(parents.shape[1])), [], []
    for generation in range(len(parents), 0, -1):
        row = parents[generation - 1]
        for child, parent in enumerate(row):
            line = [(generation, parent), (generation + 1, child)]
            (thick if child in ancestors else thin).append(line)
        ancestors = {int(row[child]) for child in ancestors}
    generations, samples = np.indices((len(parents) + 1, parents.shape[1]))
    dots = ax.scatter(generations + 1, samples, s=9, color=EXACT, zorder=3)
    drawn = [
        ax.add_collection(LineCollection(lines, colors=color, linewidths=width))
        for lines, color, width in ((thick, COMPARED, 2.2), (thin, "0.75", 0.8))
    ]
    ax.set(xlabel="generation", yticks=[])
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    return *drawn, dots


def _axes(ax, color=None, label=None):
    if not isinstance(ax, Axes):
        raise ValueError(f"ax must be Matplotlib axes, got {_checks.shown(ax)}")
    if isinstance(color, range) or not (color is None or is_color_like(color)):
        raise ValueError(f"color must be a Matplotlib color, got {_checks.shown(color)}")
    if label is not None:
        _checks.text(label, "label")


def _same_shape(values, name, other, whose):
    values = _checks.numbers(values, name)
    if values.shape != other.shape:
        raise ValueError(
            f"{name} must have the shape of {whose}, {other.shape}, got {values.shape}"
        )
    return values
