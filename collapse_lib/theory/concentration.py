"""How far frequencies stray from a distribution: the ingredients of the paper's Lemma 1.

Lemma 1 (Mardia et al. 2020) says that the frequencies q of n samples of p, on s tokens, satisfy

    P(||q - p||_1 >= t) <= G_n(s) exp(-n phi(pi_p) t^2 / 4).

This module computes phi, pi_p (equation (12)) and G_n (equations (10) and (13)).
"""

from fractions import Fraction
from math import e, lcm, log, log1p, pi

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import exp_or_inf

C0 = e**3 / (2 * pi)
C1 = 6 * e / pi**1.5
MAX_TOKENS = 40  # two lists of 2^20 sums


def phi(x):
    """Return ``phi(x) = log((1 - x)/x) / (1 - 2x)``, the constant of Lemma 1.

    It falls from infinity at ``x = 0`` to 2 at ``x = 1/2``. It is the largest constant for which
    the relative entropy of two coins satisfies ``D(y || x) >= phi(x) (y - x)^2`` for every y.

    Parameters
    ----------
    x : float or array_like of float
        From 0 to 1/2.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If `x` is out of range.

    Examples
    --------
    >>> print(f"{phi(0.1):.4f} {phi(0.5):.4f} {phi(0)}")
    2.7465 2.0000 inf
    """
    values = _checks.within(x, "x", 0, 0.5)
    slope = 1 - 2 * values
    with np.errstate(divide="ignore", invalid="ignore"):
        near_0 = (np.log1p(-values) - np.log(values)) / slope
        near_half = 2 * np.arctanh(slope) / slope  # the same, without cancellation
    result = np.where(values < 0.25, near_0, np.where(slope == 0, 2.0, near_half))
    return float(result) if values.ndim == 0 else result


def most_balanced_split(p):
    """Return pi_p of (12), the smaller part when the tokens are split in two as evenly as possible.

    pi_p is the maximum over sets A of ``min(p(A), 1 - p(A))``. Finding it is a subset-sum problem,
    solved here by listing all sums of either half of the support and matching them.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        A distribution with at most 40 tokens of positive probability; a sequence of `Fraction`
        gives an exact result.

    Returns
    -------
    float or Fraction (if `p` is rational)
        From 0, for a Dirac mass, to 1/2.

    Raises
    ------
    ValueError
        If `p` is no distribution, or its support is larger; see `most_balanced_split_bounds`.

    Examples
    --------
    >>> from fractions import Fraction
    >>> most_balanced_split([Fraction(1, 3)] * 3)
    Fraction(1, 3)
    >>> most_balanced_split([0.5, 0.25, 0.125, 0.125])
    0.5
    """
    exact = _checks.exact_distribution(p)
    weights = exact if exact else _checks.distribution(p).tolist()
    weights = [weight for weight in weights if weight]
    if len(weights) > MAX_TOKENS:
        raise ValueError(
            f"p must have at most {MAX_TOKENS} tokens of positive probability, got {len(weights)}"
        )
    if not exact:
        found = _largest_sum(np.array(weights), 0.5 + 1e-12)  # rounding may lift a sum above 1/2
        return float(min(found, 1 - found))
    unit = lcm(*(weight.denominator for weight in weights))
    whole = [int(unit * weight) for weight in weights]
    numbers = np.array(whole, dtype=np.int64 if unit < 2**62 else object)
    return Fraction(int(_largest_sum(numbers, unit // 2)), unit)


def most_balanced_split_bounds(p):
    """Return bounds on pi_p of (12), for a support of any size.

    The lower bound puts the tokens, most likely first, into whichever set is lighter. The upper
    bound is 1/2, or the probability of all tokens but the most likely, if that is less. The bounds
    agree if a token has probability 1/2 or more.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        A distribution.

    Returns
    -------
    (float, float)
        The lower and the upper bound, up to rounding.

    Raises
    ------
    ValueError
        If `p` is no distribution.

    Examples
    --------
    >>> most_balanced_split_bounds([0.5, 0.25, 0.125, 0.125])
    (0.5, 0.5)
    >>> most_balanced_split_bounds([0.25, 0.25, 0.25, 0.15, 0.1])
    (0.5, 0.5)
    """
    p = _checks.distribution(p)
    lighter, heavier = 0.0, 0.0
    for weight in np.sort(p)[::-1]:
        lighter, heavier = sorted((lighter + float(weight), heavier))
    return lighter, min(0.5, 1 - float(p.max()))


def log_concentration_factor(n, size):
    """Return the logarithm of G_n(s), equations (10) and (13).

    Parameters
    ----------
    n : int
        Number of samples, at least 1.
    size : int
        Number of tokens s, at least 2; tokens that cannot occur need not be counted.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{log_concentration_factor(n=10, size=600):.4f}")
    13.3516
    """
    n = _checks.integer(n, "n", 1)
    size = _checks.integer(size, "size", 2)
    if size >= C0 * n / e + 2:
        return log(C1 * size) + C0 * n / (2 * e)
    if size >= C0 * n / 4 + 2:
        return log(C1 * size) + size / 2 * log(C0 * n / size)
    return size * log(2) + log1p(-(2.0 ** (1 - size)))


def concentration_factor(n, size):
    """Return G_n(s), equations (10) and (13), the factor before the exponential in Lemma 1.

    Parameters
    ----------
    n : int
        Number of samples, at least 1.
    size : int
        Number of tokens s, at least 2; tokens that cannot occur need not be counted.

    Returns
    -------
    float
        Infinite if it is too large for a float; then use `log_concentration_factor`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{concentration_factor(n=10, size=600):.4g} {concentration_factor(n=9, size=3):.4f}")
    6.288e+05 6.0000
    """
    return exp_or_inf(log_concentration_factor(n, size))


def _largest_sum(weights, limit):
    """Return the largest sum of some of the weights that does not exceed the limit."""
    # Meet in the middle: for each sum of the left half, find the best partner by bisection.
    half = len(weights) // 2
    left, right = (np.sort(_all_sums(part)) for part in (weights[:half], weights[half:]))
    left = left[left <= limit]
    partner = np.searchsorted(right, limit - left, side="right") - 1
    return (left + right[partner]).max()


def _all_sums(weights):
    """Return the sums of all subsets of the weights."""
    sums = np.zeros(1, dtype=weights.dtype)
    for weight in weights:
        sums = np.concatenate([sums, sums + weight])
    return sums
