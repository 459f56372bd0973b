"""The time of total collapse for synthetic data alone: bounds on its mean, and a diffusion limit.

T is the first generation that is a Dirac mass, n the number of samples per generation, and s~ the
number of tokens with positive probability. The diffusion limit is the limit of the recursion as n
grows and time is measured in units of n generations. For every n it differs from E[T] by at most
``1 + (1/2) ln n``.
"""

import numpy as np
from scipy.special import log1p, xlog1py

from collapse_lib import _checks
from collapse_lib.theory.fully_synthetic import variety_left

#: The most terms of a sum, in floats and exactly, which take a few seconds.
MOST_TERMS, MOST_EXACT = 1_000_000, 5_000


def collapse_time_bounds(n, s0, support):
    """Return the bounds (8) on E[T], the expected generation of total collapse.

    The lower bound is ``1 + (1 - S_0) / (1 - 1/s~) (n - 1)``, the upper bound
    ``1 + (1 - S_0) n (n - 1)``. The upper bound is attained at ``n = 1`` and ``n = 2``.

    Parameters
    ----------
    n : int or array_like of int
        Samples per generation, at least 1.
    s0 : float or Fraction
        Collision probability of the true distribution, from ``1/support`` to below 1.
    support : int
        Number of tokens with positive probability, at least 2 (s~).

    Returns
    -------
    (lower, upper), each a float, Fraction (if `s0` is one) or ndarray

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from fractions import Fraction
    >>> collapse_time_bounds(n=10, s0=Fraction(1, 2), support=3)
    (Fraction(31, 4), Fraction(46, 1))
    """
    n = _checks.integers(n, "n", 1)
    variety, ratio, _ = variety_left(s0, support)
    return 1 + ratio * (n - 1), 1 + variety * n * (n - 1)


def collapse_time_upper_bound(p, n):
    """Return our own upper bound on E[T], which uses all of p and grows linearly in n.

    It is ``2n sum_i (1 - p_i) sum_{k=1}^{n-1} p_i^k / k + sum_i p_i^n``. In addition,
    ``E[T] <= 2n - 1`` for every p.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens; a sequence of `Fraction` gives
        an exact result.
    n : int
        Samples per generation, at least 1.

    Returns
    -------
    float or Fraction (if `p` is rational)

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or `n` is less than 1 or above 1,000,000, or
        5,000 if `p` is rational. For larger n, `collapse_time_diffusion` is close.

    Examples
    --------
    >>> print(f"{collapse_time_upper_bound([0.5, 0.5], n=10):.3f}")
    13.861
    """
    p = _checks.nontrivial_distribution(p)
    n = _checks.integer(n, "n", 1, MOST_EXACT if p.dtype == object else MOST_TERMS)
    series, power = 0 * p, p
    for k in range(1, n):
        if not power.any():  # too small for a float, and so are all that follow
            break
        series, power = series + power / k, power * p
    return 2 * n * ((1 - p) @ series) + power.sum()


def collapse_time_diffusion(p, n):
    """Return the diffusion limit of E[T], which is ``-2n sum_i (1 - p_i) ln(1 - p_i)``.

    E[T] is at most 1 above it and at most ``1 + (1/2) ln n`` below it.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens.
    n : int or array_like of int
        Samples per generation, at least 1.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or `n` is less than 1.

    Examples
    --------
    >>> print(f"{collapse_time_diffusion([0.5, 0.5], n=10):.3f}")
    13.863
    """
    p = _checks.nontrivial_distribution(p).astype(float)
    n = _checks.integers(n, "n", 1)
    return -2 * n * xlog1py(1 - p, -p).sum()


def collapse_time_diffusion_by_winner(p, n):
    """Return the diffusion limit of E[T | token i is the last one], for each token.

    It is ``-2n (1 - p_i) ln(1 - p_i) / p_i``, which is nearly 2n for a rare winner. The expectation
    itself is at most 1 above it and at most ``1 + (1/2) ln n`` below it.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens.
    n : int
        Samples per generation, at least 1.

    Returns
    -------
    ndarray of shape (tokens,)
        NaN for tokens of probability 0, which never win.

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or `n` is less than 1.

    Examples
    --------
    >>> collapse_time_diffusion_by_winner([0.9, 0.1, 0.0], n=30).round(2)
    array([15.35, 56.89,   nan])
    """
    p = _checks.nontrivial_distribution(p).astype(float)
    n = _checks.integer(n, "n", 1)
    p = np.where(p > 0, p, np.nan)
    return -2 * n * xlog1py(1 - p, -p) / p


def collapse_time_diffusion_bounds(n, s0):
    """Return the smallest and the largest diffusion limit of E[T] for a given S_0.

    The smallest is ``2n (1 - r) (1 - ln(1 - r))`` with ``r = sqrt(S_0)``, approached by one
    frequent token among many rare ones. The largest is ``2n (1/S_0 - 1) ln(1/(1 - S_0))``, attained
    by equally likely tokens.

    Parameters
    ----------
    n : int or array_like of int
        Samples per generation, at least 1.
    s0 : float
        Collision probability of the true distribution, above 0 and below 1.

    Returns
    -------
    (lower, upper), each a float or ndarray

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> low, high = collapse_time_diffusion_bounds(n=100, s0=0.1)
    >>> print(f"{low:.1f} {high:.1f}")
    188.7 189.6
    """
    n = _checks.integers(n, "n", 1)
    s0 = float(_checks.unit_interval(s0, "s0"))
    if not 0 < s0 < 1:
        raise ValueError(f"s0 must be above 0 and below 1, got {s0!r}")
    root = np.sqrt(s0)
    low = float((1 - root) * (1 - log1p(-root)))
    high = float((1 - 1 / s0) * log1p(-s0))
    return 2 * n * low, 2 * n * high
