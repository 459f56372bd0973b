"""Synthetic data alone: total collapse, with the paper's (7) and (8) and further results."""

import sympy as sp

from collapse_lib import _checks
from collapse_lib.symbolic._core import S0, DerivationError, m, n, require_equal, x
from collapse_lib.symbolic.fully_synthetic import expected_collision

support = sp.Symbol("s", integer=True, positive=True)
rho = sp.Symbol("rho", nonnegative=True)


def collision_gap(tokens=3):
    """Return ``s sum_i p_i^2 - (sum_i p_i)^2`` for s tokens, as a sum of squares.

    It is not negative, so the collision probability of s tokens is at least ``1/s``. This is the
    Cauchy-Schwarz inequality.

    Parameters
    ----------
    tokens : int, optional
        The number s, at least 1.

    Returns
    -------
    sympy.Expr
        The sum of ``(p_i - p_j)^2`` over all pairs.

    Raises
    ------
    ValueError
        If `tokens` is less than 1 or above 40.
    DerivationError
        If the two expressions differ.

    Examples
    --------
    >>> collision_gap(2)
    (p_1 - p_2)**2
    """
    tokens = _checks.integer(tokens, "tokens", 1, 40)
    p = sp.symbols(f"p_1:{tokens + 1}", real=True)
    squares = sum((p[i] - p[j]) ** 2 for j in range(tokens) for i in range(j))
    gap = tokens * sum(q**2 for q in p) - sum(p) ** 2
    require_equal(gap, squares, "the gap and the sum over pairs")
    return squares


def collapse_probability_bounds():
    """Return the bounds (7) on rho_m, the probability of total collapse by generation m.

    After the collapse, the collision probability is 1. Before, it is at least ``1/s`` by
    `collision_gap`, and at most the largest probability of a token, hence at most ``1 - 1/n``. So
    S_m, which (6) gives, lies between ``rho + (1 - rho)/s`` and ``rho + (1 - rho)(1 - 1/n)``. Both
    increase with rho, so solving for rho preserves the inequalities.

    Returns
    -------
    (sympy.Expr, sympy.Expr)
        The lower and the upper bound for ``m >= 1``, in the symbols m, n, s (support) and S_0.

    Raises
    ------
    DerivationError
        If they differ from the printed bounds.

    Examples
    --------
    >>> collapse_probability_bounds()[0]
    -n*(1 - S_0)*(1 - 1/n)**m + 1
    """
    expected, found = expected_collision(), []
    power = (1 - 1 / n) ** m
    printed = 1 - n * (1 - S0) * power, 1 - (1 - S0) / (1 - 1 / support) * power
    for before, formula, side in zip(
        (1 - 1 / n, 1 / support), printed, ("lower", "upper"), strict=True
    ):
        (solution,) = sp.solve(sp.Eq(rho + (1 - rho) * before, expected), rho)
        require_equal(solution, formula, f"the {side} bound and (7)")
        found.append(formula)
    return tuple(found)


def geometric_sum():
    """Return ``sum_{k >= 1} (1 - 1/n)^k``.

    A formula for the partial sum up to m is proved by induction: it is 0 for ``m = 0``, and each
    step adds the next power. As ``0 <= 1 - 1/n < 1``, the powers then tend to 0.

    Returns
    -------
    sympy.Expr
        In the symbol n.

    Raises
    ------
    DerivationError
        If a step of the induction fails.

    Examples
    --------
    >>> geometric_sum()
    n - 1
    """
    q, power = 1 - 1 / n, sp.Symbol("power")  # power stands for q^m
    partial = q * (1 - power) / (1 - q)
    require_equal(partial.subs(power, 1), 0, "the empty sum and 0")
    step = partial.subs(power, q * power) - partial
    require_equal(step, q * power, "the step and the next power")
    return sp.simplify(partial.subs(power, 0))


def collapse_time_bounds():
    """Return the bounds (8) on E[T], the sum of ``1 - rho_m`` over ``m >= 0``.

    The term for ``m = 0`` is 1. The others are bounded by (7), and by `geometric_sum` their powers
    add up to ``n - 1``.

    Returns
    -------
    (sympy.Expr, sympy.Expr)
        In the symbols n, s (support) and S_0.

    Raises
    ------
    DerivationError
        If they differ from the printed bounds.

    Examples
    --------
    >>> collapse_time_bounds()[1]
    n*(1 - S_0)*(n - 1) + 1
    """
    lower, upper = collapse_probability_bounds()
    power, found = (1 - 1 / n) ** m, []
    printed = 1 + (1 - S0) / (1 - 1 / support) * (n - 1), 1 + (1 - S0) * n * (n - 1)
    # The upper bound on the probability gives the lower bound on the time.
    for bound, formula in zip((upper, lower), printed, strict=True):
        factor = sp.simplify((1 - bound) / power)
        if factor.has(m):
            raise DerivationError(f"{1 - bound} is no multiple of {power}")
        require_equal(1 + factor * geometric_sum(), formula, "the sum and (8)")
        found.append(formula)
    return tuple(found)


def parents(k):
    """Return the distribution of the number of distinct parents of k samples among n.

    Parameters
    ----------
    k : int
        Number of samples, at least 0.

    Returns
    -------
    list of sympy.Expr
        Entry j is the probability of j parents, j = 0, ..., k, in the symbol n.

    Raises
    ------
    ValueError
        If `k` is negative.

    Examples
    --------
    >>> parents(2)
    [0, 1/n, (n - 1)/n]
    """
    probabilities = [sp.Integer(1)]
    for _ in range(_checks.integer(k, "k", 0, 40)):
        # The parent of one more sample is among the j found so far, or new.
        stay = [j * q / n for j, q in enumerate(probabilities)] + [sp.Integer(0)]
        grow = [sp.Integer(0)] + [(n - j) * q / n for j, q in enumerate(probabilities)]
        probabilities = [sp.factor(a + b) for a, b in zip(stay, grow, strict=True)]
    return probabilities


def reciprocal_parents(k, shift=0):
    """Return ``E[1 / (K + shift)]`` for the number K of distinct parents of k samples among n.

    Two ways to compute it must agree for every n. One is the mean over the distribution of K. The
    other is the probability that a certain label is the largest, which is a sum of powers: for
    shift 0, of ``j^(k-1)`` over 1, ..., n, divided by ``n^k``; for shift 1, of ``j^k`` over 0, ...,
    n, divided by ``(n + 1) n^k``.

    Parameters
    ----------
    k : int
        Number of samples, at least 1.
    shift : {0, 1}, optional
        The number added to K; by default 0.

    Returns
    -------
    sympy.Expr
        In the symbol n.

    Raises
    ------
    ValueError
        If an argument is out of range.
    DerivationError
        If the two ways differ.

    Examples
    --------
    >>> reciprocal_parents(2)
    (n + 1)/(2*n)
    >>> reciprocal_parents(3, shift=1)
    (n + 1)/(4*n)
    """
    k, shift = _checks.integer(k, "k", 1, 40), _checks.integer(shift, "shift", 0, 1)
    by_distribution = sum(q / (j + shift) for j, q in enumerate(parents(k)) if j)
    j = sp.Symbol("j", integer=True, positive=True)
    powers = sp.summation(j ** (k - 1 + shift), (j, 1, n))
    by_label = sp.factor(powers / n**k / (n + 1 if shift else 1))
    require_equal(by_distribution, by_label, f"the two means for k = {k}")
    return by_label


def harmonic_gap(size):
    """Return ``E[H_N - H_L]`` for ``L ~ Bin(N, 1 - x)``, as a polynomial in x.

    H_k is the harmonic number ``1 + 1/2 + ... + 1/k``.

    Parameters
    ----------
    size : int
        The number N, at least 1.

    Returns
    -------
    sympy.Expr
        ``x + x^2/2 + ... + x^N/N``.

    Raises
    ------
    ValueError
        If `size` is less than 1.
    DerivationError
        If the sum over all outcomes differs from it.

    Examples
    --------
    >>> harmonic_gap(3)
    x**3/3 + x**2/2 + x
    """
    size = _checks.integer(size, "size", 1, 1000)
    by_outcomes = sum(
        sp.binomial(size, left)
        * (1 - x) ** left
        * x ** (size - left)
        * (sp.harmonic(size) - sp.harmonic(left))
        for left in range(size + 1)
    )
    series = sum(x**k / sp.Integer(k) for k in range(1, size + 1))
    require_equal(sp.expand(by_outcomes), series, f"the mean and the series for N = {size}")
    return series
