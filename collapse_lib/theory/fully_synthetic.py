"""Synthetic data alone: Theorem 1 of the paper, for fully synthetic training."""

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import faded, one_like


def expected_collision(m, n, s0):
    """Return S_m, the expected collision probability of generation m, fully synthetic.

    S_m = 1 - (1 - 1/n)^m (1 - S_0), equations (6) and (14): each generation removes the
    share 1/n of what is left of the diversity 1 - S_m.

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
    s0 = _checks.unit_interval(s0, "s0")
    s0 = s0 if np.ndim(m) == np.ndim(n) == 0 else float(s0)
    return s0 + (1 - s0) * faded(m, one_like(s0) / n)
