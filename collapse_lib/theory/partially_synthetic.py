"""Real data kept, and samples of the last model: Theorem 2 of the paper and its consequences.

The paper calls this schedule partially synthetic. N is the size of the real corpus, drawn once and
used in every generation; n is the number of samples of the last model.
"""

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import faded, gain, left, lost, mixed_sizes, one_like


def expected_collision_mixed(m, real, synthetic, s0):
    """Return S_m, the expected collision probability of generation m: (9) with its sign corrected.

    ``S_m = S_1 + c_m (1 - 1/N) (1 - S_0)``, where ``S_1 = 1/N + (1 - 1/N) S_0`` is the expected
    collision probability of the real corpus, ``c_m = (1 - beta^(m-1)) n / (N^2 + (2N + 1) n)`` and
    ``beta = n (n - 1) / (N + n)^2``.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).
    s0 : float or Fraction
        Collision probability of the true distribution, from 0 to 1.

    Returns
    -------
    float, Fraction (if `s0` is one) or ndarray (the broadcast shape of m, real, synthetic)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from fractions import Fraction
    >>> float(expected_collision_mixed(m=2, real=4, synthetic=6, s0=Fraction(46, 100)))
    0.6193
    """
    m, real, synthetic, s0 = _mixed(m, real, synthetic, s0)
    one = one_like(s0)
    first = one / real + (1 - one / real) * s0
    return first + gain(m, real, synthetic, one) * (1 - one / real) * (1 - s0)


def expected_collision_mixed_as_printed(m, real, synthetic, s0):
    """Return equation (9) as the paper prints it, with a minus in its last bracket.

    It satisfies the recursion of S_m but not its initial value; see the book's chapter on mixing
    in real data. The paper's S_(m+1) is S_m here, since m counts generations.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).
    s0 : float or Fraction
        Collision probability of the true distribution, from 0 to 1.

    Returns
    -------
    float, Fraction (if `s0` is one) or ndarray (the broadcast shape of m, real, synthetic)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> print(f"{expected_collision_mixed_as_printed(2, 4, 6, 0.46):.4f}")
    0.6016
    """
    m, real, synthetic, s0 = _mixed(m, real, synthetic, s0)
    one = one_like(s0)
    real, synthetic = one * real, one * synthetic
    alpha = synthetic / (real + synthetic)
    power = left(m - 1, lost(real, synthetic))
    first = (1 + 2 * alpha - (1 - one / real) * alpha * power) / real
    second = (1 - one / real) * s0 * (1 + alpha - alpha * power / real)
    return (first + second) / (1 + (1 + one / real) * alpha)


def squared_deviation(m, real, synthetic, p):
    """Return ``E sum_i (p_i^(m) - p_i^(1))^2``, the deviation from the first model, exactly.

    It is ``c_m (1 - 1/N) sum_i p_i (1 - p_i)``, with c_m as in `expected_collision_mixed`, and
    equals ``S_m - S_1``.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).
    p : array_like of shape (tokens,)
        The true distribution; a sequence of `Fraction` gives an exact result.

    Returns
    -------
    float, Fraction (if `p` is rational) or ndarray (the broadcast shape of m, real, synthetic)

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> from fractions import Fraction
    >>> third = Fraction(1, 3)
    >>> squared_deviation(m=2, real=2, synthetic=3, p=[third, third, third])
    Fraction(1, 25)
    """
    m, real, synthetic, s0 = _mixed(m, real, synthetic, _collision(p))
    one = one_like(s0)
    return gain(m, real, synthetic, one) * (1 - one / real) * (1 - s0)


def squared_deviation_from_truth(m, real, synthetic, p):
    """Return ``E sum_i (p_i^(m) - p_i)^2``, the deviation from the truth, exactly.

    As every model is right on average, it equals ``S_m - S_0``. It grows from ``(1 - S_0)/N``, the
    error of the real corpus alone, towards ``(1 - S_0) (1 + 2 alpha) / (N + (N + 1) alpha)``, where
    ``alpha = n / (N + n)``. This is always less than 1.5 times as much.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).
    p : array_like of shape (tokens,)
        The true distribution; a sequence of `Fraction` gives an exact result.

    Returns
    -------
    float, Fraction (if `p` is rational) or ndarray (the broadcast shape of m, real, synthetic)

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> from fractions import Fraction
    >>> half = Fraction(1, 2)
    >>> squared_deviation_from_truth(m=2, real=2, synthetic=2, p=[half, half])
    Fraction(9, 32)
    """
    m, real, synthetic, s0 = _mixed(m, real, synthetic, _collision(p))
    one = one_like(s0)
    return (one / real + gain(m, real, synthetic, one) * (1 - one / real)) * (1 - s0)


def squared_deviation_fresh(m, real, synthetic, p):
    """Return ``E sum_i (p_i^(m) - p_i)^2`` exactly if N fresh real samples are drawn each time.

    They are pooled with n samples of the last model, as if they were kept. The error falls from
    ``(1 - S_0)/N`` towards ``(1 - S_0) (N + n) / (N^2 + (2N + 1) n)``, since through the last model
    a generation also benefits from the real samples of earlier ones.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    real : int or array_like of int
        Size of the real corpus, at least 1 (N).
    synthetic : int or array_like of int
        Samples of the last model, at least 0 (n).
    p : array_like of shape (tokens,)
        The true distribution; a sequence of `Fraction` gives an exact result.

    Returns
    -------
    float, Fraction (if `p` is rational) or ndarray (the broadcast shape of m, real, synthetic)

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> from fractions import Fraction
    >>> half = Fraction(1, 2)
    >>> squared_deviation_fresh(m=2, real=2, synthetic=2, p=[half, half])
    Fraction(5, 32)
    """
    m, real, synthetic, s0 = _mixed(m, real, synthetic, _collision(p))
    one = one_like(s0)
    real, synthetic = one * real, one * synthetic
    limit = (real + synthetic) / (real**2 + (2 * real + 1) * synthetic)
    return (1 / real - faded(m - 1, lost(real, synthetic)) * (1 / real - limit)) * (1 - s0)


def _mixed(m, real, synthetic, s0):
    """Return the validated arguments; s0 is exact only if no argument is an array."""
    m, real, synthetic = mixed_sizes(m, real, synthetic)
    s0 = _checks.unit_interval(s0, "s0")
    numbers = all(np.ndim(value) == 0 for value in (m, real, synthetic))
    return m, real, synthetic, s0 if numbers else float(s0)


def _collision(p):
    """Return sum_i p_i^2: a `Fraction` if p is rational, a float otherwise."""
    exact = _checks.exact_distribution(p)
    if exact:
        return sum(x * x for x in exact)
    return min(float(np.sum(_checks.distribution(p) ** 2)), 1.0)
