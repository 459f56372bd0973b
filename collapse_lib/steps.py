"""Steps, such as temperature or top-k, that change a model's distribution before it is sampled.

A step is a frozen dataclass with one method: ``apply(p)`` takes distributions of shape
(..., tokens) and returns those that are sampled. Steps are written against the array API
standard, so the same code serves tables (NumPy) and networks (PyTorch tensors). A new step
needs nothing else. A tuple of steps is applied in order.
"""

from dataclasses import dataclass

from array_api_compat import array_namespace

from collapse_lib import _checks


def apply(step, p):
    """Return the distributions `p` after a step, or after a tuple of steps in order.

    Parameters
    ----------
    step : step, tuple of steps or None
        None leaves `p` as it is.
    p : array of shape (..., tokens)
        Distributions.

    Returns
    -------
    array of shape (..., tokens)

    Raises
    ------
    ValueError
        If `step` is no step. The values of `p` are not checked, as this runs for every model.

    Examples
    --------
    >>> import numpy as np
    >>> apply((TopK(2), Temperature(0.5)), np.array([0.3, 0.6, 0.1])).round(2)
    array([0.2, 0.8, 0. ])
    """
    for one in sequence(step):
        p = one.apply(p)
    return p


def check(step):
    """Raise `ValueError` unless `step` is a step, a tuple of steps or None."""
    sequence(step)


def sequence(step):
    """Return the steps as a tuple, which is empty for None.

    Raises
    ------
    ValueError
        If `step` holds anything but steps.

    Examples
    --------
    >>> sequence(TopK(2)), sequence([TopK(2), MinP(0.1)]), sequence(None)
    ((TopK(k=2),), (TopK(k=2), MinP(ratio=0.1)), ())
    """
    if step is None:
        return ()
    found = tuple(step) if isinstance(step, tuple | list) else (step,)
    for one in found:
        if isinstance(one, type) or not callable(getattr(one, "apply", None)):
            raise ValueError(
                f"step must be one of collapse_lib.steps, or have a method apply, "
                f"got {_checks.shown(one)}"
            )
    return found


def name(step):
    """Return the name of a step, or of several in order, for records and figures.

    The name of a step of your own is its `repr`.

    Raises
    ------
    ValueError
        If `step` holds anything but steps.

    Examples
    --------
    >>> name((Temperature(0.8), TopK(10)))
    'temperature 0.8, top-k 10'
    """
    return ", ".join(map(_name, sequence(step)))


@dataclass(frozen=True)
class Temperature:
    """Sharpen or flatten a distribution: make p_i proportional to ``p_i^(1 / tau)``.

    Parameters
    ----------
    tau : float
        Above 0; below 1 favours likely tokens, above 1 unlikely ones. Probabilities that are 0
        stay 0.

    Examples
    --------
    >>> import numpy as np
    >>> Temperature(0.5).apply(np.array([0.75, 0.25]))
    array([0.9, 0.1])
    """

    tau: float

    def __post_init__(self):
        object.__setattr__(self, "tau", _checks.positive(self.tau, "tau"))

    def apply(self, p):
        """Return the distributions that are sampled, shape (..., tokens)."""
        xp = array_namespace(p)
        # Divided by the largest, so that the powers cannot all underflow to 0.
        return _normalised(xp, (p / xp.max(p, axis=-1, keepdims=True)) ** (1 / self.tau))


@dataclass(frozen=True)
class TopK:
    """Keep the k most likely tokens; ties go to the lower index.

    Parameters
    ----------
    k : int
        At least 1.

    Examples
    --------
    >>> import numpy as np
    >>> TopK(2).apply(np.array([0.2, 0.4, 0.2, 0.2])).round(3)
    array([0.333, 0.667, 0.   , 0.   ])
    """

    k: int

    def __post_init__(self):
        object.__setattr__(self, "k", _checks.integer(self.k, "k", 1))

    def apply(self, p):
        """Return the distributions that are sampled, shape (..., tokens)."""
        xp = array_namespace(p)
        rank = xp.argsort(_order(xp, p), axis=-1)
        return _only(xp, p, rank < min(self.k, p.shape[-1]))


@dataclass(frozen=True)
class Nucleus:
    """Keep the smallest set of most likely tokens whose total probability reaches `mass` (top-p).

    Among equally likely tokens, the lower index comes first.

    Parameters
    ----------
    mass : float
        Above 0, at most 1.

    Notes
    -----
    Sums are compared up to a few rounding errors of the array's type, so that 0.5 + 0.4 counts as
    0.9.

    Examples
    --------
    >>> import numpy as np
    >>> Nucleus(0.9).apply(np.array([0.1, 0.5, 0.4])).round(3)
    array([0.   , 0.556, 0.444])
    """

    mass: float

    def __post_init__(self):
        mass = _checks.unit_interval(self.mass, "mass")
        if mass == 0:
            raise ValueError(f"mass must be above 0, got {self.mass!r}")
        object.__setattr__(self, "mass", float(mass))

    def apply(self, p):
        """Return the distributions that are sampled, shape (..., tokens)."""
        if self.mass == 1:
            return p
        xp = array_namespace(p)
        order = _order(xp, p)
        ranked = xp.take_along_axis(p, order, axis=-1)
        before = xp.cumulative_sum(ranked, axis=-1) - ranked
        # A token stays if those before it fall short of the mass; the first one always does.
        kept = (before < self.mass - 16 * xp.finfo(p.dtype).eps) | (before <= 0)
        rank = xp.argsort(order, axis=-1)
        return _only(xp, p, xp.take_along_axis(kept, rank, axis=-1))


@dataclass(frozen=True)
class MinP:
    """Keep the tokens that are at least `ratio` times as likely as the likeliest.

    Parameters
    ----------
    ratio : float
        From 0, which keeps all, to 1.

    Notes
    -----
    Probabilities are compared up to a few rounding errors of the array's type, so that 1/12 counts
    as a tenth of 10/12.

    Examples
    --------
    >>> import numpy as np
    >>> MinP(0.5).apply(np.array([0.1, 0.5, 0.4])).round(3)
    array([0.   , 0.556, 0.444])
    """

    ratio: float

    def __post_init__(self):
        object.__setattr__(self, "ratio", float(_checks.unit_interval(self.ratio, "ratio")))

    def apply(self, p):
        """Return the distributions that are sampled, shape (..., tokens)."""
        xp = array_namespace(p)
        ratio = self.ratio * (1 - 16 * xp.finfo(p.dtype).eps)
        return _only(xp, p, p >= ratio * xp.max(p, axis=-1, keepdims=True))


@dataclass(frozen=True)
class Accept:
    """A filter: a sample of token i is accepted with probability f_i, or drawn again.

    Accepted samples have the distribution ``f_i p_i / sum_j f_j p_j``. A verifier has f_i = 1 for
    right tokens and less for wrong ones; with a reward, f_i is proportional to it.

    Parameters
    ----------
    probabilities : sequence of float, shape (tokens,)
        The f_i, from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> Accept((1, 0.5, 0)).apply(np.array([0.4, 0.4, 0.2])).round(3)
    array([0.667, 0.333, 0.   ])
    """

    probabilities: tuple

    def __post_init__(self):
        f = _checks.within(self.probabilities, "probabilities", 0, 1)
        if f.ndim != 1 or not f.any():
            raise ValueError(
                "probabilities must have shape (tokens,) and not be all 0, "
                f"got {self.probabilities!r}"
            )
        object.__setattr__(self, "probabilities", tuple(map(float, f)))

    def apply(self, p):
        """Return the distributions that are sampled, shape (..., tokens).

        Raises
        ------
        ValueError
            If `p` has another number of tokens, or a distribution has no token that the filter
            accepts.
        """
        xp = array_namespace(p)
        if p.shape[-1] != len(self.probabilities):
            raise ValueError(
                f"p must have the {len(self.probabilities)} tokens of the filter, "
                f"got shape {tuple(p.shape)}"
            )
        accepted = p * xp.asarray(self.probabilities, dtype=p.dtype, device=p.device)
        if p.size and not xp.all(xp.any(accepted > 0, axis=-1)):
            raise ValueError("p must have a token that the filter accepts, got none")
        return _normalised(xp, accepted)


def _name(step):
    match step:
        case Temperature(tau=value):
            return f"temperature {value!r}"
        case TopK(k=value):
            return f"top-k {value}"
        case Nucleus(mass=value):
            return f"top-p {value!r}"
        case MinP(ratio=value):
            return f"min-p {value!r}"
    return repr(step)


def _order(xp, p):
    """Return the tokens in decreasing order of probability; ties keep the order of the index."""
    return xp.argsort(-p, axis=-1, stable=True)


def _only(xp, p, kept):
    return _normalised(xp, xp.where(kept, p, xp.zeros_like(p)))


def _normalised(xp, weights):
    return weights / xp.sum(weights, axis=-1, keepdims=True)
