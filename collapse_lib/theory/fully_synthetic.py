"""Synthetic data alone, which the paper calls fully synthetic: its Theorem 1.

n is the number of samples per generation, s~ the number of tokens with positive probability.
"""

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import faded, left, one_like

# A collision probability computed in floats may miss 1/support by a rounding error.
ROUNDING = 1e-12


def expected_collision(m, n, s0):
    """Return S_m, the expected collision probability of generation m.

    ``S_m = 1 - (1 - 1/n)^m (1 - S_0)``, equations (6) and (14): each generation removes a fraction
    ``1/n`` of the remaining variety ``1 - S_m``.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 0.
    n : int or array_like of int
        Samples per generation, at least 1.
    s0 : float or Fraction
        Collision probability of the true distribution, from 0 to 1 (the paper's S_0).

    Returns
    -------
    float, Fraction (if `s0` is one) or ndarray (the broadcast shape of m and n)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from fractions import Fraction
    >>> expected_collision(m=2, n=4, s0=Fraction(1, 2))
    Fraction(23, 32)
    >>> expected_collision(m=[0, 1, 2], n=4, s0=0.5).round(4)
    array([0.5   , 0.625 , 0.7188])
    """
    m = _checks.integers(m, "m", 0)
    n = _checks.integers(n, "n", 1)
    _checks.broadcast(m=m, n=n)
    s0 = _checks.unit_interval(s0, "s0")
    s0 = s0 if np.ndim(m) == np.ndim(n) == 0 else float(s0)
    return s0 + (1 - s0) * faded(m, one_like(s0) / n)


def collapse_probability_bounds(m, n, s0, support):
    """Return the bounds (7) on rho_m, the probability of total collapse by generation m.

    The lower bound is ``1 - n (1 - S_0) (1 - 1/n)^m``, the upper bound
    ``1 - (1 - S_0) / (1 - 1/s~) (1 - 1/n)^m``. They hold for ``m >= 1``; at ``m = 0`` nothing has
    collapsed, but the lower bound may be positive.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    n : int or array_like of int
        Samples per generation, at least 1.
    s0 : float or Fraction
        Collision probability of the true distribution, from ``1/support`` to below 1.
    support : int
        Number of tokens with positive probability, at least 2 (s~).

    Returns
    -------
    (lower, upper), each a float, Fraction (if `s0` is one) or ndarray
        The lower bound may be negative.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from fractions import Fraction
    >>> collapse_probability_bounds(m=3, n=4, s0=Fraction(1, 2), support=3)
    (Fraction(5, 32), Fraction(175, 256))
    """
    m, n = _checks.integers(m, "m", 1), _checks.integers(n, "n", 1)
    _checks.broadcast(m=m, n=n)
    if np.ndim(m) or np.ndim(n):
        s0 = float(_checks.unit_interval(s0, "s0"))
    variety, ratio, one = variety_left(s0, support)
    remaining = left(m, one / n)
    return 1 - n * variety * remaining, 1 - ratio * remaining


def collapse_probability_lower_bound(m, n):
    """Return a lower bound on rho_m that holds for every true distribution; it is our own.

    ``rho_m >= 1 - 3n/(n + 1) (1 - 1/n)^m`` for ``m >= 1``. It is sharper than (7) if
    ``n (1 - S_0) > 3n/(n + 1)``.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    n : int or array_like of int
        Samples per generation, at least 1.

    Returns
    -------
    float or ndarray
        It may be negative.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{collapse_probability_lower_bound(m=200, n=50):.4f}")
    0.9483
    """
    m, n = _checks.integers(m, "m", 1), _checks.integers(n, "n", 1)
    _checks.broadcast(m=m, n=n)
    return 1 - 3 / (1 + 1 / n) * left(m, 1 / n)


def variety_left(s0, support):
    """Return 1 - S_0, its ratio to the largest value 1 - 1/support, and a 1 of the same type."""
    support = _checks.integer(support, "support", 2)
    s0 = _checks.unit_interval(s0, "s0")
    one = one_like(s0)
    if s0 >= 1 or s0 < one / support - ROUNDING:
        raise ValueError(
            f"s0 must be from 1/{support} to below 1 for support {support}, got {s0!r}"
        )
    return 1 - s0, (1 - s0) / (1 - one / support), one
