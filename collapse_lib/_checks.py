"""Validation at the boundary: one sentence that says what the caller got wrong.

Every check returns its argument in the form the library computes with, or raises a
`ValueError` that names the argument, the rule and the value received.
"""

from fractions import Fraction
from math import inf
from numbers import Rational, Real

import numpy as np

#: How far a sum of doubles may be from 1; for narrower floats, in units of their precision.
SUM_TOLERANCE = 1e-9
ROUNDINGS = 8
#: The largest integer unless a caller sets another limit: the sum of two still fits in 64 bits.
LARGEST = 2**62
#: The most entries of any one array that a function returns: 800 MB of doubles. A function that is
#: asked for more raises an error before it computes anything.
MOST_ENTRIES = 10**8
#: The most characters of a value that an error message shows.
LONGEST = 200


def integer(value, name, minimum, maximum=LARGEST):
    """Return `value` as an int of at least `minimum` and at most `maximum`."""
    result = _whole(value)
    if result is None or result < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}, got {shown(value)}")
    if result > maximum:
        raise ValueError(f"{name} must be an integer of at most {maximum}, got {shown(value)}")
    return result


def tokens(value, name, size):
    """Return `value` as an array of int64 with one axis, all of it below `size`."""
    result = integers(value, name, 0)
    if np.ndim(result) != 1:
        raise ValueError(f"{name} must have shape (length,), got shape {np.shape(result)}")
    if result.size and result.max() >= size:
        raise ValueError(f"{name} must be below {size}, got {result.max()}")
    return result


def integers(value, name, minimum):
    """Return `value` as an int if it is a single number, otherwise as an array of int64."""
    result = array(value, name)
    if result.ndim == 0:
        return integer(value, name, minimum)
    if not result.size:
        return result.astype(np.int64)
    if result.dtype.kind not in "iu":
        raise ValueError(f"{name} must hold integers, got an array of {result.dtype}")
    if result.min() < minimum:
        raise ValueError(f"{name} must hold integers of at least {minimum}, got {result.min()}")
    if result.max() > LARGEST:
        raise ValueError(f"{name} must hold integers of at most {LARGEST}, got {result.max()}")
    return result.astype(np.int64)  # so that smaller types cannot overflow


def broadcast(**arrays):
    """Raise `ValueError` unless the arrays, passed under their names, broadcast."""
    shapes = [np.shape(array) for array in arrays.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        names, got = (" and ".join(map(str, values)) for values in (arrays, shapes))
        raise ValueError(f"{names} must have shapes that broadcast, got {got}") from None


def unit_interval(value, name):
    """Return a number from 0 to 1, unchanged if it is a `Fraction` or an int, else as a float."""
    if _is_real(value) and 0 <= value <= 1:
        return value if isinstance(value, Fraction | int) else float(value)
    raise ValueError(f"{name} must be a number from 0 to 1, got {shown(value)}")


def number(value, name, low, high):
    """Return `value` as a float from `low` to `high`."""
    # Compare as a float: NumPy would convert the limits to the type of a narrow number.
    if _is_real(value) and low <= _float(value) <= high and (_float(value) < inf or value == inf):
        return float(value)
    raise ValueError(f"{name} must be a number from {low} to {high}, got {shown(value)}")


def finite(value, name, low):
    """Return a finite number of at least `low`; a `Fraction` or an int stays exact."""
    if _is_real(value) and low <= value and _float(value) < inf:
        return value if isinstance(value, Fraction | int) else float(value)
    raise ValueError(f"{name} must be a finite number of at least {low}, got {shown(value)}")


def within(value, name, low, high):
    """Return `value` as a float array, of any shape, with entries from `low` to `high`."""
    result = _floats(value, name)
    if not ((result >= low) & (result <= high)).all():
        raise ValueError(f"{name} must hold numbers from {low} to {high}, got {shown(value)}")
    return result


def positive(value, name):
    """Return `value` as a finite float above 0."""
    if _is_real(value) and 0 < (result := _float(value)) < inf:
        return result
    raise ValueError(f"{name} must be a finite number above 0, got {shown(value)}")


def boolean(value, name):
    """Return `value` as a bool."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {shown(value)}")


def text(value, name):
    """Return `value`, which must be a string."""
    if isinstance(value, str):
        return str(value)
    raise ValueError(f"{name} must be a string, got {shown(value)}")


def function(value, name):
    """Return `value`, which must be callable."""
    if callable(value):
        return value
    raise ValueError(f"{name} must be callable, got {shown(value)}")


def room(entries, names):
    """Raise `ValueError` if the arguments `names` ask for an array of too many entries."""
    if entries > MOST_ENTRIES:
        raise ValueError(
            f"{names} must ask for at most {MOST_ENTRIES:,} numbers, got {min(entries, 1e300):.3g}"
        )


def numbers(value, name, ndim=None):
    """Return `value` as a float array, with `ndim` axes if that is given."""
    result = _floats(value, name)
    if ndim is not None and result.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {result.shape}")
    return result


def array(value, name):
    """Return `value` as an array; refuse masks, which would be lost, and rows of unequal length."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name} must be an array without a mask, got {shown(value)}")
    try:
        return np.asarray(value)
    except Exception:
        raise ValueError(f"{name} must be an array of numbers, got {shown(value)}") from None


def probabilities(p, name, axis=-1):
    """Return `p` as a float array whose entries along `axis` form distributions.

    Narrower floats sum to 1 only to their own precision, so they are rescaled in doubles.
    """
    given = array(p, name)
    p = _floats(p, name)
    place = _whole(axis)
    if place is None:
        raise ValueError(f"axis must be an integer, got {shown(axis)}")
    if p.ndim == 0 or not -p.ndim <= place < p.ndim:
        raise ValueError(f"{name} must have an axis {axis}, got shape {p.shape}")
    if not p.shape[axis]:
        raise ValueError(f"{name} must have at least one token, got shape {p.shape}")
    if np.isnan(p).any():
        raise ValueError(f"{name} must not contain NaN, got {np.isnan(p).sum()} of {p.size}")
    if p.size and p.min() < 0:
        raise ValueError(f"{name} must not be negative, got a smallest entry of {p.min()}")
    narrow = given.dtype.kind == "f" and given.dtype.itemsize < p.dtype.itemsize
    tolerance = ROUNDINGS * float(np.finfo(given.dtype).eps) if narrow else SUM_TOLERANCE
    sums = p.sum(axis=axis, keepdims=True)
    wrong = sums[~(np.abs(sums - 1) <= tolerance)]
    if wrong.size:
        raise ValueError(f"{name} must sum to 1 within {tolerance:.2g}, got a sum of {wrong[0]}")
    return p / sums if narrow else p


def distribution(p, name="p"):
    """Return `p` as a float array of shape (tokens,) that sums to 1."""
    shape = array(p, name).shape
    if len(shape) != 1:
        raise ValueError(f"{name} must have shape (tokens,), got shape {shape}")
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
        raise ValueError(f"{name} must hold non-negative numbers of sum 1, got {shown(p)}")
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
        legacy = ", of NumPy's legacy interface" * isinstance(rng, np.random.RandomState)
        raise ValueError(
            f"{name} must be a numpy.random.Generator or an integer seed of at least 0, "
            f"got {shown(rng)}{legacy}"
        )
    return np.random.default_rng(seed)


def is_whole(value):
    """Return whether `value` is an integer; 3.0 and True are not."""
    return _whole(value) is not None


def shown(value):
    """Return `value` as an error message shows it: on one line, cut off if it is long."""
    try:
        line = " ".join(repr(value).split())
    except ValueError:  # Python refuses to write integers of thousands of digits
        line = "an integer of thousands of digits"
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


def _is_real(value):
    return isinstance(value, Real) and not isinstance(value, bool | np.timedelta64)


def _float(value):
    """Return a real number as a float, infinite if it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return inf


def _whole(value):
    """Return `value` as an int, or None if it is no integer; 3.0, True and durations are none."""
    if isinstance(value, bool | np.bool_ | np.timedelta64):
        return None
    try:
        return int(value.__index__())
    except (AttributeError, TypeError):
        return None


def _floats(p, name):
    result = array(p, name)
    try:
        if result.dtype.kind not in "biufO":
            raise TypeError(f"not numbers but {result.dtype}")
        return result.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be an array of numbers, got {shown(p)}") from None
