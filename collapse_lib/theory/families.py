"""Families with a quadratic variance function: the second moments of the mean.

A model is its mean mu. A sample of it has the variance ``V(mu) = v0 + v1 mu + v2 mu^2``, and the
next model is trained on n samples, together with N real ones if a real corpus is kept. The means
form a martingale, and ``E V(mu_m) = V(mu_0) + v2 Var(mu_m)``, so a family enters only through v2,
its `curvature`. Counting has v2 = -1.
"""

from fractions import Fraction
from math import exp, log1p

import numpy as np
from scipy.special import psi

from collapse_lib import _checks, schedules
from collapse_lib.theory._core import exact_power

#: The most generations where they are computed one by one, in seconds.
MOST = 1_000_000

#: The most generations of `squared_distances`: at 8 bytes for each triple of them, 216 MB.
MOST_GENERATIONS = 300

#: Above this n, four terms of its series give `gaussian_log_growth` to all digits.
MANY = 1000
#: How far below 0 rounding may take a variance, relative to the first one.
ROUNDING = 1e-9


def expected_variance(m, n, variance, curvature):
    """Return ``E V(mu_m) = (1 + v2/n)^m V(mu_0)``, for synthetic data alone.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 0.
    n : int
        Samples per generation, at least 1.
    variance : float or Fraction
        V(mu_0), at least 0.
    curvature : float or Fraction
        v2, at least -n; it is -1 for counting and for the variance of a fitted Gaussian.

    Returns
    -------
    float, Fraction or ndarray of the shape of `m`
        A Fraction if `m` is a single number, one of `curvature` and `variance` is a Fraction and
        the other one, too, or an int.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{expected_variance(m=12, n=7, variance=0.21, curvature=-1):.4f}")
    0.0330
    """
    m = _checks.integers(m, "m", 0)
    n = _checks.integer(n, "n", 1)
    curvature = _checks.finite(curvature, "curvature", -n)
    variance = _checks.finite(variance, "variance", 0)
    variance, curvature = _alike(variance, curvature)
    base = 1 + curvature / n
    if isinstance(base, Fraction) and np.ndim(m) == 0:
        return exact_power(base, m) * variance
    with np.errstate(over="ignore"):  # infinite if a float cannot hold it
        result = np.float_power(float(base), m) * float(variance) if variance else 0.0 * m
    return result if np.ndim(result) else float(result)


def squared_distance_from_first(m, real, synthetic, variance, curvature):
    """Return ``E[(mu_m - mu_1)^2]``, given mu_1, if the real corpus is kept.

    It is the D_m of the recursion ``D_{m+1} = alpha^2 ((1 + v2/n) D_m + V(mu_1)/n)`` from
    ``D_1 = 0``, where ``alpha = n / (N + n)``.

    Parameters
    ----------
    m : int
        Generation, at least 1.
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 0 (n).
    variance : float or Fraction
        V(mu_1), at least 0.
    curvature : float or Fraction
        v2, at least -n, or -1 if n is 0.

    Returns
    -------
    float or Fraction
        A Fraction if one of `curvature` and `variance` is a Fraction and the other one, too, or an
        int.

    Raises
    ------
    ValueError
        If an argument is out of range, or an exact result would have millions of digits.

    Examples
    --------
    >>> from fractions import Fraction
    >>> squared_distance_from_first(2, 3, 3, Fraction(1, 4), Fraction(-1))
    Fraction(1, 48)
    """
    m = _checks.integer(m, "m", 1, MOST)
    real = _checks.integer(real, "real", 1)
    synthetic = _checks.integer(synthetic, "synthetic", 0)
    variance = _checks.finite(variance, "variance", 0)
    curvature = _checks.finite(curvature, "curvature", -max(synthetic, 1))
    variance, curvature = _alike(variance, curvature)
    distance = 0 * variance
    if synthetic == 0:
        return distance
    alpha = type(variance)(synthetic) / (real + synthetic)
    if isinstance(alpha, Fraction):
        # Step by step, the digits would cost as much as the square of m.
        keep, noise = alpha**2 * (1 + curvature / synthetic), alpha**2 * variance / synthetic
        return noise * ((1 - exact_power(keep, m - 1)) / (1 - keep) if keep != 1 else m - 1)
    for _ in range(m - 1):
        distance = alpha**2 * ((1 + curvature / synthetic) * distance + variance / synthetic)
    return distance


def squared_distances(schedule, generations, variance, curvature):
    """Return ``E[(mu_m - mu_0)^2]`` for m = 0, ..., M, under any non-random schedule.

    The mean of a corpus is the mean of its model plus independent noise, so mu_m - mu_0 is a sum of
    noise terms with fixed weights. Terms of different models are uncorrelated. A term of model t
    has the variance ``E V(mu_t) / k`` for k samples; two terms that share the beginning of a kept
    corpus have this covariance, with k the larger of their sizes. The cost grows like ``M^4``.

    Parameters
    ----------
    schedule
        A schedule whose sizes are not random, from `collapse_lib.schedules` or your own.
    generations : int
        The last generation M, from 0 to `MOST_GENERATIONS`.
    variance : float
        V(mu_0), from 0 to 1e100.
    curvature : float
        v2, from -1e6 to 1e6. No ``E V(mu_m)`` may be negative: v2 at least minus the least size
        of a corpus ensures that.

    Returns
    -------
    ndarray of shape (M + 1,)
        ``E V(mu_m)`` is `variance` plus `curvature` times entry m.

    Raises
    ------
    ValueError
        If an argument is out of range, the sizes are random, or no family has this curvature, as
        an ``E V(mu_m)`` would be negative.

    Examples
    --------
    A random walk, for synthetic data alone with known variance:

    >>> from collapse_lib.schedules import FullySynthetic
    >>> squared_distances(FullySynthetic(4), 3, variance=1.0, curvature=0.0)
    array([0.  , 0.25, 0.5 , 0.75])
    """
    schedules.check(schedule)
    if schedule.is_random:
        raise ValueError(f"schedule must have sizes that are not random, got {schedule!r}")
    generations = _checks.integer(generations, "generations", 0, MOST_GENERATIONS)
    table = schedules.table(schedule, generations)
    variance = _checks.number(variance, "variance", 0, 1e100)
    curvature = _checks.number(curvature, "curvature", -1e6, 1e6)
    weights = np.zeros((len(table) + 1, *table.shape))  # of the noise of (source, user) in model m
    found = np.zeros(len(table) + 1)
    for m, row in enumerate(table, start=1):
        share = row / row.sum()
        weights[m] = np.einsum("t,tsu->su", share[:m], weights[:m])
        weights[m, :, m - 1] += share
        for t in range(m):
            users = np.flatnonzero(table[:m, t])
            w, size = weights[m, t, users], table[users, t]
            if schedule.keeps(t):
                square = w @ (1 / np.maximum.outer(size, size)) @ w
            else:
                square = (w**2 / size).sum()
            with np.errstate(over="ignore"):  # inf beyond the largest float
                found[m] += square * (variance + curvature * found[t])
        with np.errstate(over="ignore"):
            left = variance + curvature * found[m]
        if left < -ROUNDING * variance:
            raise ValueError(
                f"curvature must keep the variance at least 0, got {curvature} and a variance of "
                f"{left:.3g} in generation {m}"
            )
    return found


def poisson_extinction(m, n, mean):
    """Return the probability that a Poisson model has mean 0 by generation m.

    For synthetic data alone. ``n mu_m`` is a branching process that starts from Poisson(n mu_0)
    individuals, each with Poisson(1) children.

    Parameters
    ----------
    m : int
        Generation, at least 0.
    n : int
        Samples per generation, at least 1.
    mean : float
        The true mean mu_0, above 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> [round(poisson_extinction(m, n=5, mean=1.0), 3) for m in (1, 10, 100)]
    [0.007, 0.423, 0.907]
    """
    m = _checks.integer(m, "m", 0, MOST)
    n = _checks.integer(n, "n", 1)
    mean = _checks.positive(mean, "mean")
    if m == 0:
        return 0.0
    dead = 0.0  # the probability that the line of one child is extinct
    for _ in range(m - 1):
        dead = exp(dead - 1)
    return exp(n * mean * (dead - 1))


def gaussian_log_growth(n):
    """Return ``E log(sigma^2_{m+1} / sigma^2_m)`` if mean and variance are both fitted.

    It is ``psi((n-1)/2) + log(2/n)``, about -2/n. This is how fast the variance of a typical run
    decays; the logarithm of the mean over runs changes only by log(1 - 1/n), about -1/n.

    Parameters
    ----------
    n : int
        Samples per generation, at least 2.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `n` is out of range.

    Examples
    --------
    >>> print(f"{gaussian_log_growth(100):.4f}, {np.log(1 - 1 / 100):.4f}")
    -0.0202, -0.0101
    """
    n = _checks.integer(n, "n", 2)
    if n <= MANY:
        return float(psi((n - 1) / 2) + np.log(2 / n))
    # The two terms nearly cancel: psi(z) = log z - 1/(2z) - 1/(12 z^2) + 1/(120 z^4) - ...
    x = 1 / (n - 1)
    return log1p(-1 / n) - x - x**2 / 3 + 2 / 15 * x**4


def limited_loss(m, samples, parameters, first=None):
    """Return ``E D(p* || p^(m))`` to first order in 1/M for a softmax model with fixed features.

    It is ``(first + (m - 1) d (s - 1)) / (2M)``, for synthetic data alone; p* is the best model of
    the class.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    samples : int
        Samples per generation, in all contexts together (M).
    parameters : int
        Number of free weights, d (s - 1).
    first : float, optional
        tr(I^-1 J), if the class does not contain the truth; by default `parameters`.

    Returns
    -------
    float or ndarray of the shape of `m`

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> limited_loss(m=4, samples=1000, parameters=20)
    0.04
    """
    m = _checks.integers(m, "m", 1)
    samples = _checks.integer(samples, "samples", 1)
    parameters = _checks.integer(parameters, "parameters", 1)
    first = parameters if first is None else _checks.number(first, "first", 0, np.inf)
    return (first + (m - 1) * parameters) / (2 * samples)


def _alike(*values):
    """Return the values as fractions if one of them is and the others are ints, else as floats."""
    rational = not any(isinstance(value, float) for value in values)
    exact = rational and any(isinstance(value, Fraction) for value in values)
    return tuple(map(Fraction if exact else float, values))
