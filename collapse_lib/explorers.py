"""Figures with sliders, in a live kernel and in the built book.

In a live kernel an `Explorer` is a group of ipywidgets that redraw the figure. While the book is
built, that is, if the environment variable ``COLLAPSE_BOOK`` is set, the same controls switch
between pictures rendered beforehand, one for each combination of values. The page then needs no
kernel, no network and no script beyond ``explorer.html``.
"""

import base64
import io
import itertools
import json
import os
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

import ipywidgets
from matplotlib import style
from matplotlib.figure import Figure

from collapse_lib import _checks

#: The most controls of an explorer.
MAX_CONTROLS = 2
#: The most pictures of an explorer, one for each combination of values.
MAX_FRAMES = 64
#: The most values of a slider.
MAX_VALUES = 1000
#: Width and height of a picture, in inches.
SIZE = (6.4, 4.0)
#: Dots per inch.
DPI = 100
#: Options for pictures in the book: a third of the lossless size, with no visible difference.
WEBP = {"quality": 65, "method": 6}


@dataclass(frozen=True)
class Slider:
    """A control over a few values.

    Parameters
    ----------
    label : str
        What the slider sets, in the reader's words.
    values : tuple
        The values passed to the drawing function, shown with `str`; at least two.
    start : int, optional
        Index of the value shown first.
    """

    label: str
    values: tuple
    start: int = 0

    def __post_init__(self):
        _checks.text(self.label, "label")
        if not isinstance(self.values, tuple | list | range) or not self.values[1:]:
            raise ValueError(f"values must be at least two, got {_checks.shown(self.values)}")
        if self.values[MAX_VALUES:]:
            raise ValueError(
                f"values must be at most {MAX_VALUES}, got {_checks.shown(self.values)}"
            )
        if not _checks.is_whole(self.start) or self.start not in range(len(self.values)):
            raise ValueError(f"start must be an index of values, got {_checks.shown(self.start)}")
        if len(set(map(str, self.values))) < len(self.values):
            raise ValueError(f"values must look different, got {_checks.shown(self.values)}")


class Explorer:
    """A figure drawn by a pure function, with a slider for each of its parameters.

    Parameters
    ----------
    draw : callable
        ``draw(ax, **parameters)`` draws on the axes and returns one sentence that says what the
        picture shows. It is the alternative text, announced whenever the picture changes.
    **controls : Slider
        One per parameter of `draw`: at most two, with at most 64 combinations of values.

    Raises
    ------
    ValueError
        If there are no controls, too many of them or of combinations, or one is no `Slider`.

    Examples
    --------
    >>> def draw(ax, slope):
    ...     ax.plot([0, 1], [0, slope])
    ...     return f"A line of slope {slope}."
    >>> explorer = Explorer(draw, slope=Slider("Slope of the line", (1, 2, 3)))
    >>> explorer.describe(slope=2)
    'A line of slope 2.'
    """

    def __init__(self, draw, **controls):
        _checks.function(draw, "draw")
        frames = 1
        for name, control in controls.items():
            if not isinstance(control, Slider):
                raise ValueError(f"{name} must be a Slider, got {_checks.shown(control)}")
            frames *= len(control.values)
        if not 1 <= len(controls) <= MAX_CONTROLS or frames > MAX_FRAMES:
            got = f"{len(controls)} with {frames}" if controls else "none"
            raise ValueError(
                f"controls must be 1 to {MAX_CONTROLS} sliders with at most {MAX_FRAMES} "
                f"combinations of values, got {got}"
            )
        self.draw, self.controls = draw, controls

    def describe(self, **parameters):
        """Return the sentence that says what the picture shows at these parameters."""
        return self._render("png", **parameters)[1]

    def _render(self, image_format, **parameters):
        """Return the picture as bytes, and its alternative text."""
        with style.context("collapse_lib.book"):
            figure = Figure(figsize=SIZE)
            alt = self.draw(figure.subplots(), **parameters)
            if not isinstance(alt, str) or not alt:
                raise ValueError(f"draw must return a sentence about the picture, got {alt!r}")
            buffer = io.BytesIO()
            options = WEBP if image_format == "webp" else {}
            figure.savefig(buffer, format=image_format, dpi=DPI, pil_kwargs=options)
        return buffer.getvalue(), alt

    def _start(self):
        return {name: control.values[control.start] for name, control in self.controls.items()}

    def _repr_mimebundle_(self, include=None, exclude=None):
        if os.environ.get("COLLAPSE_BOOK"):
            return {"text/html": self.html(), "text/plain": repr(self)}
        still, _ = self._render("png", **self._start())
        widget = self.widget()._repr_mimebundle_()
        # The still picture is what a notebook shows before its cells are run.
        return {**widget, "image/png": base64.b64encode(still).decode(), "text/plain": repr(self)}

    def __repr__(self):
        return f"Explorer of {' and '.join(self.controls)}: run the cell to move the sliders"

    def widget(self):
        """Return ipywidgets controls that redraw the figure in the running kernel."""
        sliders = {
            name: ipywidgets.SelectionSlider(
                description=control.label,
                options=[(str(value), value) for value in control.values],
                index=control.start,
                style={"description_width": "initial"},
                layout={"width": "32em", "max_width": "100%"},
            )
            for name, control in self.controls.items()
        }
        picture = ipywidgets.HTML()

        def redraw(_change=None):
            values = {name: slider.value for name, slider in sliders.items()}
            try:
                image, alt = self._render("png", **values)
            except BaseException as error:  # do not leave the old picture under new values
                failure = escape(f"No picture of {values}: {type(error).__name__}: {error}")
                picture.value = f'<p role="alert">{failure}</p>'
                raise
            alt = escape(alt)
            picture.value = (
                f'<img src="{_data_url(image, "png")}" alt="{alt}"><p aria-live="polite">{alt}</p>'
            )

        for slider in sliders.values():
            slider.observe(redraw, names="value")
        redraw()
        return ipywidgets.VBox([*sliders.values(), picture])

    def html(self):
        """Return the controls and the pre-rendered pictures, as one piece of HTML."""
        values = (control.values for control in self.controls.values())
        frames = []
        for combination in itertools.product(*values):
            image, alt = self._render("webp", **dict(zip(self.controls, combination, strict=True)))
            frames.append((_data_url(image, "webp"), alt))
        first = 0
        for control in self.controls.values():
            first = first * len(control.values) + control.start
        return Template(files(__package__).joinpath("explorer.html").read_text("utf8")).substitute(
            controls="".join(map(_slider_html, self.controls.values())),
            image=frames[first][0],
            alt=escape(frames[first][1]),
            width=round(SIZE[0] * DPI),
            height=round(SIZE[1] * DPI),
            frames=json.dumps(frames).replace("<", "\\u003c"),
        )


def _slider_html(control):
    """Return a slider inside its label, without an id: a page may show an explorer twice."""
    values = json.dumps([str(value) for value in control.values])
    return (
        f"<label><span>{escape(control.label)}</span>"
        f'<input type="range" min="0" max="{len(control.values) - 1}" step="1" '
        f'value="{control.start}" data-values="{escape(values)}">'
        f'<span aria-hidden="true">{escape(str(control.values[control.start]))}</span></label>'
    )


def _data_url(image, image_format):
    return f"data:image/{image_format};base64,{base64.b64encode(image).decode()}"
