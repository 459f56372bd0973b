"""How far a model strays from the first one: Theorems 3 and 4 of the paper, and sharper.

Partially synthetic training, one context. The real corpus of N samples is drawn once and
kept; every later model is trained on it and on n samples of the last model. The distance is
the 1-norm ||p^(m) - p^(1)||_1, from 0 to 2. A budget is the largest n that a bound allows.
"""

from fractions import Fraction
from math import e, floor, inf, log, pi, sqrt

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import exp_or_inf, gain
from collapse_lib.theory.concentration import log_concentration_factor, phi


def deviation_bound(real, synthetic, size):
    """Return the bound of Theorem 3 on E ||p^(m) - p^(1)||_1, the same for all m.

    It is (1/N) sqrt(pi n / 2) G_n(s).

    Parameters
    ----------
    real, synthetic : int
        Size of the real corpus and samples of the last model, both at least 1.
    size : int
        Number of tokens, at least 2; those that cannot occur need not be counted.

    Returns
    -------
    float
        Infinite where it is too large for a float. It says something only below 2.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    At the sizes of the paper's Figure 5:

    >>> print(f"{deviation_bound(real=100, synthetic=10, size=600):,.0f}")
    24,923
    """
    return _with_concentration(real, synthetic, size, phi_value=2.0)


def zeta(real, synthetic, mean_product):
    """Return zeta of Theorem 4: 1/2 - (1/2 - 2 L) (N / (N + n))^2.

    Parameters
    ----------
    real, synthetic : int
        Size of the real corpus and samples of the last model, both at least 1.
    mean_product : float
        L = E max_A p^(1)(A) (1 - p^(1)(A)), from 0 to 1/4: the mean of x (1 - x) over all
        corpora, where x is the `most_balanced_split` of the first model.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{zeta(real=3, synthetic=1, mean_product=0.2):.5f}")
    0.44375
    """
    real = _checks.integer(real, "real", 1)
    synthetic = _checks.integer(synthetic, "synthetic", 1)
    mean_product = _checks.number(mean_product, "mean_product", 0, 0.25)
    return 0.5 - (0.5 - 2 * mean_product) * (real / (real + synthetic)) ** 2


def deviation_bound_split(real, synthetic, size, mean_product):
    """Return the bound of Theorem 4, equation (16): (1/N) sqrt(pi n / phi(zeta)) G_n(s).

    Parameters
    ----------
    real, synthetic, size
        As in `deviation_bound`.
    mean_product : float
        As in `zeta`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{deviation_bound_split(100, 10, 600, mean_product=0.2):,.0f}")
    24,808
    """
    value = phi(zeta(real, synthetic, mean_product))
    return _with_concentration(real, synthetic, size, phi_value=value)


def deviation_bound_sharp(m, real, synthetic, p):
    """Return a bound on E ||p^(m) - p^(1)||_1 from the exact second moment of each token.

    It is sqrt(c_m (1 - 1/N)) Q with Q = sum_i sqrt(p_i (1 - p_i)) and c_m as in
    `expected_collision_mixed`; 0 at m = 1.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real, synthetic : int or array_like of int
        Size of the real corpus, at least 1, and samples of the last model, at least 0.
    p : array_like of shape (tokens,)
        The true distribution.

    Returns
    -------
    float or ndarray (the broadcast shape of m, real, synthetic)

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> print(f"{deviation_bound_sharp(m=50, real=100, synthetic=10, p=[0.5, 0.5]):.4f}")
    0.0287
    """
    m, real, synthetic = _checked(m, real, synthetic)
    spread = _spread(_checks.distribution(p))
    return np.sqrt(gain(m, real, synthetic, 1.0) * (1 - 1 / real)) * spread


def deviation_bound_given_corpus(m, real, synthetic, first):
    """Return a bound on E[||p^(m) - p^(1)||_1 | p^(1)], which needs no knowledge of the truth.

    It is sqrt(c_m) sum_i sqrt(p_i^(1) (1 - p_i^(1))), c_m as in `expected_collision_mixed`.

    Parameters
    ----------
    m, real, synthetic
        As in `deviation_bound_sharp`.
    first : array_like of shape (tokens,)
        The first model p^(1): the frequencies in the real corpus.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is out of range or `first` is no distribution.

    Examples
    --------
    >>> print(f"{deviation_bound_given_corpus(50, 100, 10, first=[0.48, 0.52]):.4f}")
    0.0288
    """
    m, real, synthetic = _checked(m, real, synthetic)
    return np.sqrt(gain(m, real, synthetic, 1.0)) * _spread(_checks.distribution(first, "first"))


def budget_as_printed(real, size, epsilon):
    """Return the budget of (11): what Theorem 3 allows where s is large against n.

    It is 2 pi e^-2 min(s - 2, log(sqrt(2) pi N epsilon / (6 e s))), rounded down.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1.
    size : int
        Number of tokens, at least 2.
    epsilon : float
        The largest expected distance from the first model that is tolerated, above 0.

    Returns
    -------
    int
        Samples of the last model; 0 where no synthetic data is allowed.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> budget_as_printed(7734, 65, 0.1), budget_as_printed(7735, 65, 0.1)
    (0, 1)
    """
    real = _checks.integer(real, "real", 1)
    size = _checks.integer(size, "size", 2)
    epsilon = _checks.positive(epsilon, "epsilon")
    logarithm = log(sqrt(2) * pi * real * epsilon / (6 * e * size))
    return max(0, floor(2 * pi / e**2 * min(size - 2, logarithm)))


def budget_linear(real, epsilon):
    """Return N epsilon / 2, rounded down: a budget for any p, from (18) and ||.||_1 <= 2.

    Parameters
    ----------
    real, epsilon
        As in `budget_as_printed`.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> budget_linear(real=1000, epsilon=0.1)
    50
    """
    real = _checks.integer(real, "real", 1)
    return floor(real * _decimal(epsilon) / 2)


def budget_quadratic(real, support, epsilon):
    """Return (N epsilon)^2 / (s~ - 1), rounded down: a budget for any p on s~ tokens, from (18).

    Parameters
    ----------
    real, epsilon
        As in `budget_as_printed`.
    support : int
        Number of tokens with positive probability, at least 2 (the paper's s~).

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> budget_quadratic(real=1000, support=52, epsilon=0.1)
    196
    """
    real = _checks.integer(real, "real", 1)
    support = _checks.integer(support, "support", 2)
    return floor((real * _decimal(epsilon)) ** 2 / (support - 1))


def budget(real, p, epsilon):
    """Return the largest n for which `deviation_bound_sharp` is at most epsilon for all m.

    In closed form N^2 epsilon^2 / (Q^2 (1 - 1/N) - (2N + 1) epsilon^2), rounded down; where
    the denominator is not positive, any amount of synthetic data will do.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1.
    p : array_like of shape (tokens,)
        The true distribution.
    epsilon : float
        The largest expected distance from the first model that is tolerated, above 0.

    Returns
    -------
    int or float
        Samples of the last model; `math.inf` where any number is allowed.

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> p = [1 / 52] * 52
    >>> budget(real=1000, p=p, epsilon=0.1), budget(real=3000, p=p, epsilon=0.1)
    (323, inf)
    """
    real = _checks.integer(real, "real", 1)
    squared = min(_checks.positive(epsilon, "epsilon"), 2) ** 2  # no distance exceeds 2
    spread = _spread(_checks.distribution(p))
    denominator = spread**2 * (1 - 1 / real) - (2 * real + 1) * squared
    if denominator <= 0:
        return inf
    return floor(real**2 * squared / denominator)


def _with_concentration(real, synthetic, size, phi_value):
    """Return (1/N) sqrt(pi n / phi) G_n(s)."""
    real = _checks.integer(real, "real", 1)
    factor = log_concentration_factor(_checks.integer(synthetic, "synthetic", 1), size)
    if phi_value == inf:
        return 0.0
    return exp_or_inf(factor + log(pi * synthetic / phi_value) / 2 - log(real))


def _decimal(epsilon):
    """Return epsilon as the decimal number that was meant: 0.7 is 7/10, not a little less."""
    return Fraction(repr(_checks.positive(epsilon, "epsilon")))


def _checked(m, real, synthetic):
    return (
        _checks.integers(m, "m", 1),
        _checks.integers(real, "real", 1),
        _checks.integers(synthetic, "synthetic", 0),
    )


def _spread(p):
    """Return Q = sum_i sqrt(p_i (1 - p_i))."""
    return float(np.sqrt(p * (1 - p)).sum())
