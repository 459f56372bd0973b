"""Accumulating and randomly sampled data: one generation of each, and a limit."""

import sympy as sp

from collapse_lib.symbolic._core import DerivationError, S, m, n, require_equal, x
from collapse_lib.symbolic.fully_synthetic import binomial_second_moment

T = sp.Symbol("T", integer=True, positive=True)


def accumulating_step():
    """Return the factor by which ``1 - S_m`` shrinks when n samples are added to T earlier ones.

    The symbol `T` is the number of samples so far, which the book writes L, since T is the collapse
    time there. The next model is ``(T p^(m) + n q) / (T + n)``, where q are the frequencies of n
    samples of p^(m); given p^(m), their mean is p^(m). The second moment of one token is linear in
    x and ``x^2``. Summed over tokens, x becomes 1 and ``x^2`` becomes S(m).

    Returns
    -------
    sympy.Expr
        ``1 - n / (T + n)^2``.

    Raises
    ------
    DerivationError
        If the factor differs.

    Examples
    --------
    >>> accumulating_step().subs({T: 3, n: 3})
    11/12
    """
    moment = binomial_second_moment()
    after = sp.expand((T**2 * x**2 + 2 * T * n * x**2 + n**2 * moment) / (T + n) ** 2)
    linear, square = after.coeff(x, 1), after.coeff(x, 2)
    summed = linear + square * S(m)
    factor = 1 - n / (T + n) ** 2
    require_equal(1 - summed, factor * (1 - S(m)), "the step and its factor")
    return factor


def random_step():
    """Return the factor by which the variety of the average of all models shrinks.

    Let a_m be the average of the models 0, ..., m - 1. The n samples of generation m are drawn from
    it, so the next average is ``(m a_m + q) / (m + 1)``, where q are their frequencies. This is
    like `accumulating_step`, except that q has weight 1, whatever n is.

    Returns
    -------
    sympy.Expr
        ``1 - 1 / (n (m + 1)^2)``.

    Raises
    ------
    DerivationError
        If the factor differs.

    Examples
    --------
    >>> random_step().subs({m: 1, n: 2})
    7/8
    """
    moment = binomial_second_moment()
    after = sp.expand((m**2 * x**2 + 2 * m * x**2 + moment) / (m + 1) ** 2)
    summed = after.coeff(x, 1) + after.coeff(x, 2) * S(m)
    factor = 1 - 1 / (n * (m + 1) ** 2)
    require_equal(1 - summed, factor * (1 - S(m)), "the step and its factor")
    return factor


def random_limit():
    """Return the fraction of the variety that remains in the limit, ``prod_j (1 - 1 / (n j^2))``.

    The product runs over all ``j >= 1``. The factor ``1 - 1/n`` for ``j = 1`` is what sampling one
    generation loses by itself. It is Euler's product for the sine.

    Returns
    -------
    sympy.Expr
        ``sin(pi / sqrt(n)) / (pi / sqrt(n))``.

    Raises
    ------
    DerivationError
        If the logarithms of the product and of the sine differ in a power of ``1/n`` up to 8.

    Examples
    --------
    >>> random_limit().subs(n, 4)
    2/pi
    """
    y = sp.Symbol("y", positive=True)  # 1 / n
    closed = sp.sin(sp.pi * sp.sqrt(y)) / (sp.pi * sp.sqrt(y))
    # ln prod_j (1 - y / j^2) = - sum_k y^k / k sum_j j^(-2k)
    logarithm = -sum(sp.zeta(2 * k) / k * y**k for k in range(1, 9))
    z = sp.Symbol("z", positive=True)
    squared = closed.subs(y, z**2)
    expansion = sp.series(sp.log(squared), z, 0, 18).removeO().subs(z, sp.sqrt(y))
    if sp.simplify(expansion - logarithm) != 0:
        raise DerivationError("the product is not Euler's product for the sine")
    return closed.subs(y, 1 / n)
