"""How far models stray from the first one: Theorems 3 and 4 of the paper, and sharper bounds.

The real corpus of N samples is drawn once and kept. Generation 1 is trained on it alone, every
later model on it and on n samples of the last model. The distance is ``||p^(m) - p^(1)||_1``, from
0 to 2.
"""

from math import inf, log, pi

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import exp_or_inf, gain, log_sets, mixed_sizes, spread
from collapse_lib.theory.concentration import log_concentration_factor, phi


def deviation_bound(real, synthetic, size):
    """Return the bound of Theorem 3 on ``E ||p^(m) - p^(1)||_1``, the same for all m.

    It is ``(1/N) sqrt(pi n / 2) G_n(s)``, with G_n from `concentration_factor`.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 1 (n).
    size : int
        Number of tokens, at least 2; tokens that cannot occur need not be counted.

    Returns
    -------
    float
        Infinite if it is too large for a float. Above 2 the bound says nothing.

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
    """Return zeta of Theorem 4: ``1/2 - (1/2 - 2 L) (N / (N + n))^2``.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 1 (n).
    mean_product : float
        ``L = E max_A p^(1)(A) (1 - p^(1)(A))``, from 0 to 1/4, which is the mean of ``x (1 - x)``
        over all corpora, where x is the `most_balanced_split` of the first model.

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
    """Return the bound of Theorem 4, equation (16), on ``E ||p^(m) - p^(1)||_1`` for all m.

    It is ``(1/N) sqrt(pi n / phi(zeta)) G_n(s)``, with `phi`, `zeta` and G_n from
    `concentration_factor`.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 1 (n).
    size : int
        Number of tokens, at least 2; tokens that cannot occur need not be counted.
    mean_product : float
        ``L = E max_A p^(1)(A) (1 - p^(1)(A))``, from 0 to 1/4; see `zeta`.

    Returns
    -------
    float
        Infinite if it is too large for a float. Above 2 the bound says nothing.

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
    """Return a bound on ``E ||p^(m) - p^(1)||_1`` from the exact second moment of each token.

    It is ``sqrt(c_m (1 - 1/N)) Q``, where ``Q = sum_i sqrt(p_i (1 - p_i))`` and c_m is as in
    `expected_collision_mixed`. At ``m = 1`` it is 0.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).
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
    m, real, synthetic = mixed_sizes(m, real, synthetic)
    factor = np.sqrt(gain(m, real, synthetic, 1.0) * (1 - 1 / real))
    return factor * spread(_checks.distribution(p))


def deviation_bound_given_corpus(m, real, synthetic, first):
    """Return a bound on ``E[||p^(m) - p^(1)||_1 | p^(1)]``, which needs no knowledge of the truth.

    It is ``sqrt(c_m) sum_i sqrt(p_i^(1) (1 - p_i^(1)))``, with c_m as in
    `expected_collision_mixed`.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).
    first : array_like of shape (tokens,)
        The first model p^(1): the frequencies in the real corpus.

    Returns
    -------
    float or ndarray (the broadcast shape of m, real, synthetic)

    Raises
    ------
    ValueError
        If an argument is out of range or `first` is no distribution.

    Examples
    --------
    >>> print(f"{deviation_bound_given_corpus(50, 100, 10, first=[0.48, 0.52]):.4f}")
    0.0288
    """
    m, real, synthetic = mixed_sizes(m, real, synthetic)
    return np.sqrt(gain(m, real, synthetic, 1.0)) * spread(_checks.distribution(first, "first"))


def deviation_probability_bound(distance, real, synthetic, tokens):
    """Return a bound on ``P(||p^(m) - p^(1)||_1 >= t | p^(1))`` that holds for every m.

    It is ``(2^k - 2) exp(-t^2 N (N + 2n) / (2n))`` for a kept corpus with k distinct tokens, which
    is below ``2^k exp(-N t^2)`` for any amount of synthetic data.

    Parameters
    ----------
    distance : float or array_like of float
        The distance t, from 0 to 2.
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 1 (n).
    tokens : int
        Distinct tokens in the corpus, at least 2 (k).

    Returns
    -------
    float or ndarray
        At most 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{deviation_probability_bound(0.3, real=100, synthetic=100, tokens=4):.1e}")
    1.9e-05
    """
    distance = _checks.within(distance, "distance", 0, 2)
    real = _checks.integer(real, "real", 1)
    synthetic = _checks.integer(synthetic, "synthetic", 1)
    rate = real * (real + 2 * synthetic) / (2 * synthetic)
    bound = np.exp(np.minimum(0.0, log_sets(tokens) - rate * distance**2))
    return bound if bound.ndim else float(bound)


def expected_chi_square(m, real, synthetic, tokens):
    """Return ``E[chi2(p^(m), p^(1)) | p^(1)]``, the expected chi-square divergence, exactly.

    The divergence is ``sum_i (p_i^(m) - p_i^(1))^2 / p_i^(1)``, over the k distinct tokens of the
    corpus. Its expectation is ``c_m (k - 1)``, with c_m as in `expected_collision_mixed`, and
    depends on the corpus only through k. ``ln(1 + c_m (k - 1))`` bounds the expected loss of
    entropy.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).
    tokens : int
        Distinct tokens in the corpus, at least 1 (k).

    Returns
    -------
    float or ndarray (the broadcast shape of m, real, synthetic)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{expected_chi_square(m=50, real=100, synthetic=100, tokens=21):.4f}")
    0.0664
    """
    m, real, synthetic = mixed_sizes(m, real, synthetic)
    return gain(m, real, synthetic, 1.0) * (_checks.integer(tokens, "tokens", 1) - 1)


def _with_concentration(real, synthetic, size, phi_value):
    """Return (1/N) sqrt(pi n / phi) G_n(s)."""
    real = _checks.integer(real, "real", 1)
    factor = log_concentration_factor(_checks.integer(synthetic, "synthetic", 1), size)
    if phi_value == inf:
        return 0.0
    return exp_or_inf(factor + log(pi * synthetic / phi_value) / 2 - log(real))
