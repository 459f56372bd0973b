"""Drawing on given axes: arrays in, artists out. Nothing here simulates.

The style of the book is the style sheet ``collapse_lib.book``; colours have one meaning
throughout: what was simulated, what theory says, and what stands for comparison.
"""

import numpy as np

SIMULATED = "#0072B2"
EXACT = "black"
COMPARED = "#D55E00"


def runs(ax, values, color=SIMULATED, label="mean"):
    """Draw every run thinly over the generations, and their mean.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : array_like of shape (replicates, generations + 1)
    color : color, optional
    label : str, optional
        What the mean line is called in the legend.

    Returns
    -------
    list of matplotlib.lines.Line2D
        The runs and, last, their mean.
    """
    values = np.asarray(values)
    if values.ndim != 2:
        raise ValueError(
            f"values must have shape (replicates, generations + 1), got {values.shape}"
        )
    faint = np.clip(4 / len(values), 0.06, 0.35)  # the more runs, the fainter each
    thin = ax.plot(values.T, color=color, alpha=faint, linewidth=0.8)
    return thin + ax.plot(values.mean(axis=0), color=color, label=label)


def standard_error(ax, values, widths=3, color=SIMULATED):
    """Shade the mean plus and minus `widths` standard errors, generation by generation.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : array_like of shape (replicates, generations + 1)
        At least two replicates.
    widths : float, optional
    color : color, optional

    Returns
    -------
    matplotlib.collections.PolyCollection
    """
    values = np.asarray(values)
    if values.ndim != 2 or len(values) < 2:
        raise ValueError(f"values must hold at least two replicates, got shape {values.shape}")
    mean = values.mean(axis=0)
    margin = widths * values.std(axis=0, ddof=1) / np.sqrt(len(values))
    label = f"mean ± {widths:g} standard errors"
    generations = np.arange(values.shape[1])
    return ax.fill_between(
        generations, mean - margin, mean + margin, color=color, alpha=0.25, linewidth=0, label=label
    )


def exact(ax, generations, values, label="exact", color=EXACT):
    """Draw a theoretical curve, dashed, over what was simulated.

    Returns
    -------
    matplotlib.lines.Line2D
    """
    (line,) = ax.plot(generations, values, color=color, linestyle=(0, (4, 2)), label=label)
    return line


def distribution(ax, p, color=SIMULATED, label=None):
    """Draw a distribution over tokens as stems, the most likely token first.

    Returns
    -------
    matplotlib.collections.LineCollection
    """
    p = np.asarray(p)
    tokens = np.arange(1, p.size + 1)
    return ax.vlines(tokens, 0, p, color=color, label=label, linewidth=2)
