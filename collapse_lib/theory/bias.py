"""Bias in every generation: a ceiling for any step, and exact results for smoothing.

N is the size of the real corpus, n the number of samples per generation or, if real data is kept,
of the last model. Smoothing adds A pseudo-counts in total, spread evenly over the s tokens of `p`,
to every training set, including the first. Trained on k samples with frequencies x, a model is

    (1 - lam) x + lam u,   lam = A / (k + A),

where u is the uniform distribution.
"""

from fractions import Fraction
from math import inf, sqrt
from numbers import Rational

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import faded, mixed_sizes


def bias_ceiling(bias, real, synthetic):
    """Return the ceiling ``b n / N``: how far a bias of b in every generation can take the models.

    A real corpus is kept, and processing moves the output of each model by at most b in 1-norm
    before the next model is trained on it. In the limit of many samples, no model is further from
    the truth than this. The 1-norm never exceeds 2, so a ceiling above 2 says nothing.

    Parameters
    ----------
    bias : float or array_like of float
        The largest distance b by which processing moves a distribution, from 0 to 2.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).

    Returns
    -------
    float or ndarray (the broadcast shape)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> bias_ceiling(bias=0.02, real=100, synthetic=400)
    0.08
    """
    bias = _checks.within(bias, "bias", 0, 2)
    real = _checks.integers(real, "real", 1)
    synthetic = _checks.integers(synthetic, "synthetic", 0)
    _checks.broadcast(bias=bias, real=real, synthetic=synthetic)
    ceiling = bias * synthetic / real
    return float(ceiling) if np.ndim(ceiling) == 0 else ceiling


def expected_collision_smoothed(m, n, p, pseudocounts):
    """Return S_m for smoothed counting, for synthetic data alone.

    It solves ``S_(m+1) = (1 - lam)^2 (1/n + (1 - 1/n) S_m) + (1 - (1 - lam)^2) / s`` from S_0, with
    ``lam = A/(n+A)``. Without pseudo-counts this is (6). S_m tends to ``(n + g/s) / (n + g)``, with
    ``g = A (2n + A)``, and a generation covers ``(n + g) / (n + A)^2`` of the way.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 0.
    n : int
        Samples per generation, at least 1.
    p : array_like of shape (tokens,)
        The true distribution; the pseudo-counts are spread evenly over all its tokens, including
        those of probability 0.
    pseudocounts : float
        How many samples the smoothing is worth: A in total, at least 0. Add-one smoothing is
        A = s.

    Returns
    -------
    float, Fraction (if m is a single number, and `p` and `pseudocounts` are rational) or ndarray

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> round(expected_collision_smoothed(m=50, n=100, p=[0.9, 0.1], pseudocounts=10), 4)
    0.5227
    """
    m, n = _checks.integers(m, "m", 0), _checks.integer(n, "n", 1)
    s0, tokens, pseudocounts, one = _numbers(p, pseudocounts, m)
    towards = one * pseudocounts * (2 * n + pseudocounts)
    lost = (n + towards) / (n + pseudocounts) ** 2
    limit = (n + towards / tokens) / (n + towards)
    return s0 + faded(m, lost) * (limit - s0)


def expected_collision_mixed_smoothed(m, real, synthetic, p, pseudocounts):
    """Return S_m for smoothed counting if the real corpus is kept.

    Without pseudo-counts this is (9), corrected.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 0 (n).
    p : array_like of shape (tokens,)
        The true distribution; the pseudo-counts are spread evenly over all its tokens.
    pseudocounts : float
        How many samples the smoothing is worth: A in total, at least 0.

    Returns
    -------
    float, Fraction (if m is a single number, and `p` and `pseudocounts` are rational) or ndarray

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Notes
    -----
    Let x be the frequencies in the corpus, ``X = E <x, x>`` and ``w = A / (N + A)``. Given x, every
    model has mean ``(1 - w) x + w u``, so ``E <x, p^(m)> = (1 - w) X + w / s`` for all m. Then

        (N + n + A)^2 S_(m+1) = N^2 X + 2 N n E <x, p^(m)> + n + n (n - 1) S_m
                                + (2 (N + n) A + A^2) / s.

    Examples
    --------
    >>> round(expected_collision_mixed_smoothed(20, 100, 900, [0.9, 0.1], pseudocounts=10), 4)
    0.7669
    """
    m, real, synthetic = mixed_sizes(m, real, synthetic)
    if np.ndim(real) or np.ndim(synthetic):
        raise ValueError("real and synthetic must be single numbers, got an array")
    s0, tokens, pseudocounts, one = _numbers(p, pseudocounts, m)
    corpus = one / real + (1 - one / real) * s0
    weight = one * pseudocounts / (real + pseudocounts)
    first = (1 - weight) ** 2 * corpus + (1 - (1 - weight) ** 2) / tokens
    inner = (1 - weight) * corpus + weight / tokens
    mixed, total = real + synthetic, real + synthetic + pseudocounts
    rest = real**2 * corpus + 2 * real * synthetic * inner + synthetic
    rest = rest + (2 * mixed * pseudocounts + pseudocounts**2) / tokens
    # total^2 - n (n - 1), without cancellation if nearly all samples are synthetic
    forgets = ((real + pseudocounts) * (total + synthetic) + synthetic) * one
    return first + faded(m - 1, forgets / total**2) * (rest / forgets - first)


def balanced_pseudocounts(n, p):
    """Return the A for which smoothing, on average, exactly replaces the variety that is lost.

    For synthetic data alone. With fewer pseudo-counts the expected variety falls in every
    generation, with more it rises. A solves ``A (2 + A/n) = (1 - S_0) / (S_0 - 1/s)``.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.
    p : array_like of shape (tokens,)
        The true distribution; the pseudo-counts are spread evenly over all its tokens.

    Returns
    -------
    float
        Infinite for the uniform distribution, whose variety can only fall.

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> a = balanced_pseudocounts(n=100, p=[0.9, 0.1])
    >>> print(f"{a:.4f} {expected_collision_smoothed(7, 100, [0.9, 0.1], a):.4f}")
    0.2809 0.8200
    """
    n = _checks.integer(n, "n", 1)
    s0, tokens, _, _ = _numbers(p, 0, 0)
    above = float(s0 - Fraction(1, tokens)) if isinstance(s0, Fraction) else s0 - 1 / tokens
    if above <= 1e-15:
        return inf
    ratio = (1 - float(s0)) / above
    return ratio / (1 + sqrt(1 + ratio / n))


def _numbers(p, pseudocounts, m):
    """Return S_0, the number of tokens, A, and a 1; exact if all is rational and m no array."""
    exact = _checks.exact_distribution(p)
    checked = _checks.number(pseudocounts, "pseudocounts", 0, _checks.LARGEST)
    if exact is not None and isinstance(pseudocounts, Rational) and np.ndim(m) == 0:
        return sum(x * x for x in exact), len(exact), Fraction(pseudocounts), Fraction(1)
    p = _checks.distribution(p)
    return float(p @ p), p.size, checked, 1.0
