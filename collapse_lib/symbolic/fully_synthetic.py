"""Synthetic data alone: the moments of the paper's equations (6) and (14)."""

import sympy as sp

from collapse_lib.symbolic._core import S0, DerivationError, S, m, n, require_equal, x


def binomial_second_moment():
    """Return ``E[(X/n)^2]`` for ``X ~ Bin(n, x)``.

    X is a sum of n independent one-hot samples, so its generating function G(z) is
    ``E[z^X] = (1 - x + x z)^n``, and ``E[X^2] = G''(1) + G'(1)``.

    Returns
    -------
    sympy.Expr
        In the symbols n and x.

    Raises
    ------
    DerivationError
        If the result differs from the sum over all outcomes for n = 1, ..., 4.

    Examples
    --------
    >>> binomial_second_moment()
    x**2*(1 - 1/n) + x/n
    """
    z = sp.Symbol("z")
    one_sample = (1 - x) * z**0 + x * z**1
    generating = one_sample**n
    second = sum(sp.diff(generating, z, order).subs(z, 1) for order in (1, 2))
    moment = sp.collect(sp.expand(sp.simplify(second / n**2)), x**2)
    for size in range(1, 5):
        outcomes = range(size + 1)
        by_sum = sum(
            sp.binomial(size, k) * x**k * (1 - x) ** (size - k) * sp.Rational(k, size) ** 2
            for k in outcomes
        )
        require_equal(moment.subs(n, size), by_sum, f"the second moment at n = {size}")
    return moment


def collision_recursion():
    """Return the recursion of the expected collision probability, the first half of (14).

    Given the model before, the second moment of one token is linear in x and ``x^2``. Summed over
    tokens, x becomes 1 and ``x^2`` becomes the collision probability, whose expectation is S(m) by
    the law of total expectation.

    Returns
    -------
    sympy.Eq
        S(m + 1) in terms of S(m), for every ``m >= 0``.

    Raises
    ------
    DerivationError
        If the second moment of a token is not ``a x + b x^2``.

    Examples
    --------
    >>> collision_recursion()
    Eq(S(m + 1), (1 - 1/n)*S(m) + 1/n)
    """
    moment = binomial_second_moment()
    linear, square = moment.coeff(x, 1), moment.coeff(x, 2)
    require_equal(moment, linear * x + square * x**2, "the second moment as a polynomial")
    return sp.Eq(S(m + 1), linear + square * S(m))


def expected_collision():
    """Return S_m in closed form, which is (6) and the second half of (14).

    `sympy.rsolve` solves `collision_recursion` from ``S(0) = S_0``.

    Returns
    -------
    sympy.Expr
        In the symbols m, n and S_0.

    Raises
    ------
    DerivationError
        If the solution misses the recursion, its initial value or the printed (6).

    Examples
    --------
    >>> expected_collision()
    -(1 - S_0)*(1 - 1/n)**m + 1
    """
    recursion = collision_recursion()
    solved = sp.rsolve(recursion.lhs - recursion.rhs, S(m), {S(0): S0})
    if solved is None:
        raise DerivationError("the recursion was not solved")
    printed = 1 - (1 - 1 / n) ** m * (1 - S0)
    # The printed form must satisfy the recursion and the initial value by itself.
    require_equal(printed.subs(m, m + 1), recursion.rhs.subs(S(m), printed), "the recursion")
    require_equal(printed.subs(m, 0), S0, "the initial value")
    require_equal(solved, printed, "the solution and (6)")
    return printed


def token_variance():
    """Return the variance of the probability of one token at generation m.

    By `binomial_second_moment`, the second moment u(m) of a probability with mean p obeys
    ``u(m + 1) = p/n + (1 - 1/n) u(m)``, from ``u(0) = p^2``; `sympy.rsolve` solves it.

    Returns
    -------
    sympy.Expr
        In the symbols m, n and p.

    Raises
    ------
    DerivationError
        If it differs from ``p (1 - p) (1 - (1 - 1/n)^m)``.

    Examples
    --------
    >>> token_variance()
    p*(1 - p)*(1 - (1 - 1/n)**m)
    """
    p, u = sp.Symbol("p", nonnegative=True), sp.Function("u")
    moment = binomial_second_moment()
    after = moment.coeff(x, 1) * p + moment.coeff(x, 2) * u(m)
    solved = sp.rsolve(u(m + 1) - after, u(m), {u(0): p**2})
    if solved is None:
        raise DerivationError("the recursion was not solved")
    closed = p * (1 - p) * (1 - (1 - 1 / n) ** m)
    require_equal(solved - p**2, closed, "the variance and its closed form")
    return closed
