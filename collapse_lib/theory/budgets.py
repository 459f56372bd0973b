"""How much synthetic data a tolerance allows: an n that a bound on the deviation permits.

The setting is that of `deviation`: a real corpus of N samples is kept, and every model after the
first also sees n samples of the last model. With a budget of n samples the expected distance
``E ||p^(m) - p^(1)||_1`` stays at most epsilon for all m; with more it may do so, too. In
`budget_with_confidence` the distance itself stays below epsilon, with high probability.
"""

from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from math import e, floor, inf, log, pi, sqrt, ulp
from numbers import Rational

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import log_sets

#: A budget is rounded down, so it is computed to many digits. A value that agrees with a whole
#: number in more than `EXACT` of them counts as that number.
DIGITS, EXACT = 200, 60
#: A float within a rounding error of a fraction is read as that fraction, up to this denominator.
SIMPLE = 10**6


def budget_as_printed(real, size, epsilon):
    """Return the budget (11) as printed, which Theorem 3 allows if s is large compared to n.

    It is ``2 pi e^-2 min(s - 2, log(sqrt(2) pi N epsilon / (6 e s)))``, rounded down.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    size : int
        Number of tokens, at least 2.
    epsilon : float
        The largest tolerated expected distance from the first model, above 0.

    Returns
    -------
    int
        Samples of the last model; 0 if no synthetic data is allowed.

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
    ratio = sqrt(2) * pi * real * epsilon / (6 * e * size)
    if ratio <= 1:  # the logarithm is not positive; a tiny ratio is 0 in floats
        return 0
    return floor(2 * pi / e**2 * min(size - 2, log(ratio)))


def budget_linear(real, epsilon):
    """Return ``N epsilon / 2``, rounded down, a budget that holds for any p.

    It follows from (18), since the 1-norm between two distributions is at most 2.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    epsilon : float
        The largest tolerated expected distance from the first model, above 0.

    Returns
    -------
    int
        Samples of the last model.

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
    """Return ``(N epsilon)^2 / (s~ - 1)``, rounded down, a budget for any p on s~ tokens.

    It also follows from (18).

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    support : int
        Number of tokens with positive probability, at least 2 (the paper's s~).
    epsilon : float
        The largest tolerated expected distance from the first model, above 0.

    Returns
    -------
    int
        Samples of the last model.

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

    In closed form it is ``N^2 epsilon^2 / (Q^2 (1 - 1/N) - (2N + 1) epsilon^2)``, rounded down,
    with ``Q = sum_i sqrt(p_i (1 - p_i))``. If the denominator is not positive, any amount of
    synthetic data is allowed. So it is for an epsilon of 2 or more, as no distance exceeds 2.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    p : array_like of shape (tokens,)
        The true distribution.
    epsilon : float
        The largest tolerated expected distance from the first model, above 0.

    Returns
    -------
    int or float
        Samples of the last model; `math.inf` if any number is allowed.

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
    p, epsilon = _meant(p), _decimal(epsilon)
    if epsilon >= 2:
        return inf
    squared = epsilon**2
    with localcontext(prec=DIGITS):
        allowed = _ratio(real**3 * squared)
        needed = (real - 1) * _squared_spread(p) - _ratio(real * (2 * real + 1) * squared)
        if needed <= allowed.scaleb(-EXACT):
            return inf
        number = allowed / needed
        nearest = number.to_integral_value()
        return int(nearest if abs(number - nearest) < number.scaleb(-EXACT) else number)


def budget_with_confidence(real, tokens, epsilon, delta):
    """Return an n that keeps the distance itself below epsilon, with high probability.

    Given a kept corpus with k distinct tokens, ``P(||p^(m) - p^(1)||_1 >= epsilon)`` is at most
    ``(2^k - 2) exp(-epsilon^2 N (N + 2n) / (2n))`` for every m, see `deviation_probability_bound`.
    With ``L = ln((2^k - 2) / delta) / epsilon^2``, this is at most delta for
    ``n <= N^2 / (2 (L - N))``, and for any n if ``N >= L``: the budget is the largest such n. It is
    any n, too, for an epsilon of 2 or more: models that share real data differ by less than 2. The
    guarantee holds for each single generation, not for all at once, and needs no knowledge of the
    truth.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    tokens : int
        Distinct tokens in the corpus, at least 2 (k).
    epsilon : float
        The tolerated distance from the first model, above 0.
    delta : float
        The probability with which the distance may exceed it, above 0.

    Returns
    -------
    int or float
        Samples of the last model; `math.inf` if any number is allowed.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> budget_with_confidence(real=1000, tokens=40, epsilon=0.1, delta=0.05)
    241
    >>> budget_with_confidence(real=4000, tokens=40, epsilon=0.1, delta=0.05)
    inf
    """
    real = _checks.integer(real, "real", 1)
    epsilon = _checks.positive(epsilon, "epsilon")
    logarithm = log_sets(tokens) - log(_checks.positive(delta, "delta"))
    if epsilon >= 2:
        return inf
    needed = logarithm / epsilon**2 if epsilon**2 else inf
    if needed == inf:
        return 0
    return inf if real >= needed else floor(real**2 / (2 * (needed - real)))


def _decimal(epsilon):
    """Return epsilon as the decimal number the caller meant: 0.7 is 7/10, not a little less."""
    value = _checks.positive(epsilon, "epsilon")
    if isinstance(epsilon, Rational):
        return Fraction(int(epsilon.numerator), int(epsilon.denominator))
    return Fraction(str(epsilon) if isinstance(epsilon, np.floating) else repr(value))


def _meant(p):
    """Return p as the fractions the caller meant, such as 1/6, or as its floats' exact values."""
    exact = _checks.exact_distribution(p)
    if exact:
        return exact
    floats = _checks.distribution(p).tolist()
    simple = []
    for value in floats:
        simple.append(Fraction(value).limit_denominator(SIMPLE))
        if abs(simple[-1] - Fraction(value)) > ulp(value):
            break
    if sum(simple) == 1 and len(simple) == len(floats):
        return simple
    values = [Fraction(value) for value in floats]
    total = sum(values)
    return values if total == 1 else [value / total for value in values]


def _squared_spread(p):
    """Return Q^2, where Q = sum_i sqrt(p_i (1 - p_i)), to many digits."""
    numbers = ((_ratio(x), k) for x, k in Counter(p).items())
    return sum(k * (x * (1 - x)).sqrt() for x, k in numbers) ** 2


def _ratio(value):
    return Decimal(value.numerator) / value.denominator
