"""Bias in every generation: smoothing, and the temperature at which a token takes over.

Smoothing replaces the frequencies x of n samples by ``(1 - lam) x + lam u``, where u is uniform on
s tokens. With A pseudo-counts in total, ``lam = A / (n + A)``.
"""

import sympy as sp

from collapse_lib import _checks
from collapse_lib.symbolic._core import S0, DerivationError, S, m, n, require_equal, x
from collapse_lib.symbolic.collapse import support
from collapse_lib.symbolic.fully_synthetic import binomial_second_moment

A = sp.Symbol("A", nonnegative=True)
lam = sp.Symbol("lambda", nonnegative=True)
share = sp.Symbol("alpha", positive=True)
tau = sp.Symbol("tau", positive=True)


def smoothed_recursion():
    """Return the recursion of the expected collision probability with smoothing.

    For synthetic data alone. Given the model before, in which a token has probability x, the
    expected square of its smoothed frequency is ``a x + b x^2 + c`` by the binomial moments. Summed
    over s tokens, x becomes 1, ``x^2`` becomes the collision probability, and c becomes s c.

    Returns
    -------
    sympy.Eq
        S(m + 1) in terms of S(m), n, lambda and s (support).

    Raises
    ------
    DerivationError
        If it differs from ``(1-lam)^2 (1/n + (1-1/n) S) + (1 - (1-lam)^2)/s``.

    Examples
    --------
    >>> smoothed_recursion().rhs.subs({lam: 0})
    (1 - 1/n)*S(m) + 1/n
    """
    first, second = x, binomial_second_moment()
    square = (1 - lam) ** 2 * second + 2 * (1 - lam) * lam / support * first + (lam / support) ** 2
    square = sp.expand(square)
    constant, linear, quadratic = (square.coeff(x, k) for k in range(3))
    require_equal(square, constant + linear * x + quadratic * x**2, "the square as a polynomial")
    summed = support * constant + linear + quadratic * S(m)
    keep = (1 - lam) ** 2
    closed = keep * (1 / n + (1 - 1 / n) * S(m)) + (1 - keep) / support
    require_equal(summed, closed, "the sum over tokens and the recursion")
    return sp.Eq(S(m + 1), closed)


def expected_collision_smoothed():
    """Return S_m with smoothing, for synthetic data alone, in closed form.

    Returns
    -------
    sympy.Expr
        ``limit + ((1-lam)^2 (1-1/n))^m (S_0 - limit)``, in the symbols m, n, lambda, s and S_0.

    Raises
    ------
    DerivationError
        If the expression misses the recursion, its initial value or, without smoothing, (6).

    Examples
    --------
    >>> sp.simplify(expected_collision_smoothed().subs(m, 0))
    S_0
    """
    recursion, limit = smoothed_recursion(), smoothed_limit()
    factor = (1 - lam) ** 2 * (1 - 1 / n)
    closed = limit + factor**m * (S0 - limit)
    require_equal(closed.subs(m, 0), S0, "the initial value")
    step = closed.subs(m, m + 1) - recursion.rhs.subs(S(m), closed)
    require_equal(sp.powsimp(sp.expand(step)), 0, "the recursion and its solution")
    require_equal(closed.subs(lam, 0), 1 - (1 - 1 / n) ** m * (1 - S0), "no smoothing and (6)")
    return closed


def smoothed_limit():
    """Return the limit of S_m with smoothing, for synthetic data alone, as a fixed point.

    Returns
    -------
    sympy.Expr
        In the symbols n, lambda and s. It does not depend on S_0, so the truth is forgotten.

    Raises
    ------
    DerivationError
        If there is not exactly one fixed point.

    Examples
    --------
    >>> smoothed_limit().subs({lam: 1})
    1/s
    """
    level = sp.Symbol("level")
    solutions = sp.solve(smoothed_recursion().rhs.subs(S(m), level) - level, level)
    if len(solutions) != 1:
        raise DerivationError(f"one fixed point was expected, got {solutions}")
    return sp.simplify(solutions[0])


def smoothing_balance():
    """Return the equation for the A that keeps the expected variety constant.

    For synthetic data alone. The limit of S_m, with ``lam = A / (n + A)``, is set equal to S_0.

    Returns
    -------
    sympy.Eq
        ``A (2 + A/n) = (1 - S_0) / (S_0 - 1/s)``.

    Raises
    ------
    DerivationError
        If limit minus S_0 is not a positive multiple of the right side minus the left side.

    Examples
    --------
    >>> smoothing_balance().lhs
    A*(A/n + 2)
    """
    left, right = A * (2 + A / n), (1 - S0) / (S0 - 1 / support)
    gap = smoothed_limit().subs(lam, A / (n + A)) - S0
    # This factor is positive unless p is uniform.
    positive = n * (S0 - 1 / support) / ((n + A) ** 2 - n**2 + n)
    require_equal(gap, -positive * (left - right), "the gap and a multiple of the difference")
    return sp.Eq(left, right)


def temperature_multiplier(tokens=3):
    """Return the factor by which a small departure from uniform grows in each round.

    A share alpha of the data is text of temperature tau, the rest is real, and the truth is
    uniform. The Jacobian of ``q -> (1-alpha) u + alpha q^(1/tau) / sum(q^(1/tau))`` at u is applied
    to the difference of the first token and each other one; these span all departures.

    Parameters
    ----------
    tokens : int, optional
        The number s, at least 2.

    Returns
    -------
    sympy.Expr
        ``alpha / tau``: departures grow if alpha is above tau, and vanish if it is below.

    Raises
    ------
    ValueError
        If `tokens` is less than 2.
    DerivationError
        If the directions have different multipliers.

    Examples
    --------
    >>> temperature_multiplier(4)
    alpha/tau
    """
    tokens = _checks.integer(tokens, "tokens", 2, 10)
    q = sp.symbols(f"q_1:{tokens + 1}", positive=True)
    weights = [y ** (1 / tau) for y in q]
    after = sp.Matrix([(1 - share) / tokens + share * w / sum(weights) for w in weights])
    jacobian = sp.simplify(after.jacobian(q).subs({y: sp.Rational(1, tokens) for y in q}))
    multiplier = share / tau
    for k in range(1, tokens):
        departure = sp.Matrix([1 if i == 0 else -1 if i == k else 0 for i in range(tokens)])
        for found, moved in zip(jacobian * departure, multiplier * departure, strict=True):
            require_equal(found, moved, "the image of a departure and its multiple")
    return multiplier


def hill():
    """Return the functions that increase in every round of retraining on processed text.

    In the logarithms ``theta_i = ln q_i``, the function for a temperature,

        Phi = (1-alpha) sum_i p_i theta_i + alpha tau ln sum_i exp(theta_i / tau),

    is convex, and its gradient is the next model. The same holds for a filter, whose last term is
    ``alpha ln sum_i f_i exp(theta_i)``. A convex function rises along its gradient, so the
    models climb. The gradients are checked for three tokens.

    Returns
    -------
    (sympy.Expr, sympy.Expr)
        Phi for the temperature and for the filter, in theta, p, f, alpha and tau.

    Raises
    ------
    DerivationError
        If a gradient is not the next model.

    Examples
    --------
    >>> sorted(map(str, hill()[0].free_symbols))
    ['alpha', 'p_1', 'p_2', 'p_3', 'tau', 'theta_1', 'theta_2', 'theta_3']
    """
    theta, p = sp.symbols("theta_1:4", real=True), sp.symbols("p_1:4", positive=True)
    f = sp.symbols("f_1:4", positive=True)
    fit = (1 - share) * sum(y * z for y, z in zip(p, theta, strict=True))
    sharp = [sp.exp(z / tau) for z in theta]
    kept = [y * sp.exp(z) for y, z in zip(f, theta, strict=True)]
    hills = fit + share * tau * sp.log(sum(sharp)), fit + share * sp.log(sum(kept))
    for phi, weights in zip(hills, (sharp, kept), strict=True):
        for y, z, weight in zip(p, theta, weights, strict=True):
            after = (1 - share) * y + share * weight / sum(weights)
            require_equal(sp.diff(phi, z), after, "the gradient and the next model")
    return hills
