"""Validation at the boundary: what a caller got wrong, in one sentence.

Every check returns its argument in the form the library computes with, or raises a
`ValueError` that names the argument, the rule and the value received.
"""

from fractions import Fraction
from math import inf
from numbers import Rational, Real

import numpy as np

SUM_TOLERANCE = 1e-9
LARGEST = 2**62


def integer(value, name, minimum, maximum=inf):
    """Return `value` as an int of at least `minimum` and at most `maximum`."""
    result = _whole(value)
    if result is None or result < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    if result > maximum:
        raise ValueError(f"{name} must be an integer of at most {maximum}, got {value!r}")
    return result


def integers(value, name, minimum):
    """Return `value` as an int, or as an array of ints if it is not a single number."""
    if np.ndim(value) == 0:
        return integer(value, name, minimum)
    result = _array(value, name)
    if not result.size:
        return result.astype(np.int64)
    if not np.issubdtype(result.dtype, np.integer):
        raise ValueError(f"{name} must hold integers, got an array of {result.dtype}")
    if result.min() < minimum:
        raise ValueError(f"{name} must hold integers of at least {minimum}, got {result.min()}")
    if result.max() > LARGEST:
        raise ValueError(f"{name} must hold integers of at most {LARGEST}, got {result.max()}")
    return result.astype(np.int64)  # so that smaller types cannot overflow


def broadcast(**arrays):
    """Raise `ValueError` unless the arrays, which are given by their names, broadcast."""
    shapes = [np.shape(array) for array in arrays.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        names, got = (" and ".join(map(str, values)) for values in (arrays, shapes))
        raise ValueError(f"{names} must have shapes that broadcast, got {got}") from None


def unit_interval(value, name):
    """Return a number in [0, 1]: exact if it is a `Fraction` or an int, a float otherwise."""
    if isinstance(value, Real) and not isinstance(value, bool) and 0 <= value <= 1:
        return value if isinstance(value, Fraction | int) else float(value)
    raise ValueError(f"{name} must be a number from 0 to 1, got {value!r}")


def number(value, name, low, high):
    """Return `value` as a float from `low` to `high`."""
    if isinstance(value, Real) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise ValueError(f"{name} must be a number from {low} to {high}, got {value!r}")


def within(value, name, low, high):
    """Return `value` as a float array, of any shape, of numbers from `low` to `high`."""
    result = _floats(value, name)
    if not ((result >= low) & (result <= high)).all():
        raise ValueError(f"{name} must hold numbers from {low} to {high}, got {value!r}")
    return result


def positive(value, name):
    """Return `value` as a finite float above 0."""
    if isinstance(value, Real) and not isinstance(value, bool) and 0 < value < np.inf:
        return float(value)
    raise ValueError(f"{name} must be a finite number above 0, got {value!r}")


def boolean(value, name):
    """Return `value` as a bool."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {value!r}")


def probabilities(p, name, axis=-1):
    """Return `p` as a float array whose entries along `axis` form distributions."""
    p = _floats(p, name)
    if p.ndim == 0 or not -p.ndim <= axis < p.ndim:
        raise ValueError(f"{name} must have an axis {axis}, got shape {p.shape}")
    if not p.shape[axis]:
        raise ValueError(f"{name} must have at least one token, got shape {p.shape}")
    if np.isnan(p).any():
        raise ValueError(f"{name} must not contain NaN, got {np.isnan(p).sum()} of {p.size}")
    if p.size and p.min() < 0:
        raise ValueError(f"{name} must not be negative, got a smallest entry of {p.min()}")
    sums = np.atleast_1d(p.sum(axis=axis))
    wrong = sums[~(np.abs(sums - 1) <= SUM_TOLERANCE)]
    if wrong.size:
        raise ValueError(f"{name} must sum to 1 within {SUM_TOLERANCE}, got a sum of {wrong[0]}")
    return p


def distribution(p, name="p"):
    """Return `p` as a float array of shape (tokens,) that sums to 1."""
    p = _floats(p, name)
    if p.ndim != 1:
        raise ValueError(f"{name} must have shape (tokens,), got shape {p.shape}")
    p = probabilities(p, name)
    return p / p.sum()


def exact_distribution(p, name="p"):
    """Return `p` as a list of `Fraction` if all its entries are rational, otherwise None."""
    objects = isinstance(p, np.ndarray) and p.dtype.kind == "O" and p.ndim == 1
    if not isinstance(p, list | tuple) and not objects:
        return None
    if not all(isinstance(x, Rational) for x in p):
        return None
    p = [Fraction(x) for x in p]
    if not p or min(p) < 0 or sum(p) != 1:
        raise ValueError(f"{name} must hold non-negative numbers of sum 1, got {p}")
    return p


def nontrivial_distribution(p, name="p"):
    """Return `p` as an array: of `Fraction` if all its entries are rational, else of floats.

    At least two tokens must have positive probability.
    """
    exact = exact_distribution(p, name)
    p = distribution(p, name) if exact is None else np.array(exact, dtype=object)
    if np.count_nonzero(p) < 2:
        raise ValueError(
            f"{name} must give at least two tokens a positive probability, got a Dirac mass"
        )
    return p


def generator(rng, name="rng"):
    """Return `rng` itself if it is a Generator, a new one if it is an integer seed."""
    if isinstance(rng, np.random.Generator):
        return rng
    seed = _whole(rng)
    if seed is None or seed < 0:
        raise ValueError(
            f"{name} must be a numpy.random.Generator or an integer seed of at least 0, got {rng!r}"
        )
    return np.random.default_rng(seed)


def is_whole(value):
    """Return whether `value` is a whole number; 3.0 and True are none."""
    return _whole(value) is not None


def _whole(value):
    """Return an int, or None if `value` is no whole number; 3.0 and True are none."""
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return int(value.__index__())
    except (AttributeError, TypeError):
        return None


def _floats(p, name):
    result = _array(p, name)
    try:
        if result.dtype.kind not in "biufO":
            raise TypeError(f"not numbers but {result.dtype}")
        return result.astype(float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of numbers, got {p!r}") from None


def _array(value, name):
    try:
        return np.asarray(value)
    except ValueError:  # rows of different lengths
        raise ValueError(f"{name} must be an array of numbers, got {value!r}") from None
