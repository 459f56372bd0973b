"""Limits after many generations, given the real corpus or on average.

N is the number of real samples, kept or fresh, n the number of samples of each model. Given a kept
corpus with counts c_1, ..., c_k, p^(m) tends in distribution to a Dirichlet(2c) vector if m grows
first and n second. With fresh real data the limit is Dirichlet(2Np).
"""

import numpy as np
from scipy.special import betaln, gammaln, polygamma, xlogy

from collapse_lib import _checks

#: The most samples of a corpus: beyond, differences of logarithms are too inaccurate.
MOST = 10**9


def distance_limit_given_corpus(counts):
    """Return the limit of ``E[||p^(m) - p^(1)||_1 | corpus]`` as first m, then n tends to infinity.

    The probability of a token that makes up c of the N samples tends to a Beta(2c, 2N - 2c)
    variable. The result is the sum of the mean absolute deviations of these variables. Compare it
    with `deviation_bound_given_corpus` to see by how much that bound overshoots.

    Parameters
    ----------
    counts : array_like of int, shape (tokens,)
        How often the kept corpus has each token; at least one sample in all.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `counts` holds a negative number or only zeros, or more than 10^9 samples in all.

    Examples
    --------
    >>> print(f"{distance_limit_given_corpus([1, 1]):.4f}")
    0.3750
    """
    counts = np.atleast_1d(_checks.integers(counts, "counts", 0))
    if counts.ndim != 1 or not counts.any():
        raise ValueError(f"counts must have shape (tokens,) and a sample, got {counts}")
    size = sum(map(int, counts.ravel()))
    _checks.integer(size, "the sum of counts", 1, MOST)
    counts = counts.astype(float)
    a = 2.0 * counts[(counts > 0) & (counts < size)]
    b = 2.0 * size - a
    total = 2.0 * size
    logs = xlogy(a, a) + xlogy(b, b) - (total + 1) * np.log(total) - betaln(a, b)
    return float(2 * np.exp(logs).sum())


def best_weight(real, synthetic):
    """Return the weight of fresh real data that minimises the error in the long run.

    Each generation is ``w r + (1 - w) q``, where r are the frequencies of N new real samples, and q
    the frequencies of n samples of the last model. The best w is the root of
    ``(n - 1) w^2 + (N + 1) w = N`` between 0 and 1. ``E sum_i (p_i^(m) - p_i)^2`` then tends to w
    times the error of the N samples alone. For ``n = N``, w is near 0.618, the reciprocal of the
    golden ratio (He, Xu and Cheng 2026).

    Parameters
    ----------
    real : int
        New real samples in each generation, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 1 (n).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{best_weight(real=10, synthetic=100):.3f}")
    0.267
    """
    real = _checks.integer(real, "real", 1)
    synthetic = _checks.integer(synthetic, "synthetic", 1)
    linear, square = real + 1, synthetic - 1
    return 2 * real / (linear + float(np.sqrt(linear**2 + 4.0 * square * real)))


def squared_deviation_weighted(weight, real, synthetic, p):
    """Return the limit of ``E sum_i (p_i^(m) - p_i)^2`` if fresh real data has the weight w.

    It is ``[w^2/N + (1 - w)^2/n] / [1 - (1 - w)^2 (1 - 1/n)] (1 - S_0)``. Pooling the samples, as
    in `squared_deviation_fresh`, means a weight of ``N / (N + n)``. `best_weight` minimises the
    limit.

    Parameters
    ----------
    weight : float or array_like of float
        w, from 0 to 1. At 0 nothing is real and the error grows to ``1 - S_0``.
    real : int
        New real samples in each generation, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 1 (n).
    p : array_like of shape (tokens,)
        The true distribution.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> print(f"{squared_deviation_weighted(0.5, real=10, synthetic=10, p=[0.5, 0.5]):.4f}")
    0.0323
    """
    weight = _checks.within(weight, "weight", 0, 1)
    real = _checks.integer(real, "real", 1)
    synthetic = _checks.integer(synthetic, "synthetic", 1)
    p = _checks.distribution(p)
    rest = (1 - weight) ** 2
    noise = weight**2 / real + rest / synthetic
    # The bracket, without cancellation if the weight is small and n is large.
    result = noise / (weight * (2 - weight) + rest / synthetic) * float(p @ (1 - p))
    return result if result.ndim else float(result)


def expected_collision_accumulating_limit(real, synthetic, s0):
    """Return the limit of S_m if every corpus so far is kept and each model adds n samples.

    It is the S that solves
    ``1 - S = (1 - S_1) Gamma(1 + a)^2 / (Gamma(1 + a - n^-1/2) Gamma(1 + a + n^-1/2))``, where
    ``a = N/n`` and ``1 - S_1 = (1 - 1/N) (1 - S_0)``.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples that each model adds, at least 1 (n).
    s0 : float
        Collision probability of the true distribution, from 0 to 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    With one sample per generation this is Polya's urn:

    >>> print(f"{expected_collision_accumulating_limit(real=4, synthetic=1, s0=0.5):.3f}")
    0.700
    """
    real = _checks.integer(real, "real", 1)
    synthetic = _checks.integer(synthetic, "synthetic", 1)
    s0 = float(_checks.unit_interval(s0, "s0"))
    first = (1 - 1 / real) * (1 - s0)
    lost = -np.expm1(_log_kept(1 + real / synthetic, synthetic**-0.5))
    return s0 + (1 - s0) / real + first * float(lost)


def _log_kept(x, z):
    """Return the logarithm of ``Gamma(x)^2 / (Gamma(x - z) Gamma(x + z))``.

    If z is much smaller than x, the logarithms nearly cancel. Their Taylor series around x leaves
    the even terms; the first one left out, ``z^8 psi^(7)(x) / 20160``, is below 10^-12 of the sum.
    """
    if z > 0.01 * x:
        return 2 * gammaln(x) - gammaln(x - z) - gammaln(x + z)
    even = ((2, 2), (4, 24), (6, 720))
    return -2 * sum(z**k / factorial * polygamma(k - 1, x) for k, factorial in even)
